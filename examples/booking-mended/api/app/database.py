"""How the database is reached."""

import os
from pathlib import Path

import psycopg


def connect():
    password = Path(os.environ["DATABASE_PASSWORD_FILE"]).read_text().strip()
    return psycopg.connect(
        host=os.environ["DATABASE_HOST"],
        dbname="cabins",
        user="cabins",
        password=password,
        connect_timeout=2,
    )
