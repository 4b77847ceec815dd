"""Alembic runs this; the connection, its transaction begun, comes from kogpt_funcs/sites/database.py."""

from __future__ import annotations

from alembic import context

from kogpt_funcs.sites.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
