from alembic import context
from sqlalchemy import create_engine

from app.database import connect

with create_engine("postgresql+psycopg://", creator=connect).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
