"""The API of the cabins."""

import psycopg
from fastapi import FastAPI, Response

from app.database import connect

app = FastAPI()


@app.get("/healthz")
def healthz():
    return {"status": "ok"}


@app.get("/readyz")
def readyz(response: Response):
    try:
        with connect() as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        response.status_code = 503
        return {"status": "unavailable"}
    return {"status": "ready"}


@app.get("/api/cabins")
def cabins():
    with connect() as connection:
        rows = connection.execute("SELECT id, name FROM cabins ORDER BY name").fetchall()
    return [{"id": row[0], "name": row[1]} for row in rows]
