"""cabins, bookings and the outbox"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table("cabins", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
    op.create_table("bookings", sa.Column("id", sa.Integer, primary_key=True), sa.Column("cabin_id", sa.Integer))
    op.create_table("outbox", sa.Column("id", sa.Integer, primary_key=True), sa.Column("sent_at", sa.DateTime))


def downgrade():
    op.rename_table("outbox", "outbox_before_0001")
    op.rename_table("bookings", "bookings_before_0001")
    op.rename_table("cabins", "cabins_before_0001")
