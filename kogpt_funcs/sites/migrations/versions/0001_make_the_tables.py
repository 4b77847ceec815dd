"""Make the tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _stories()
    _parts()
    op.create_table(
        "turns",
        sa.Column("story", sa.String(24), sa.ForeignKey("stories.id"), primary_key=True),
        sa.Column("branch", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("parent", _Id, primary_key=True, autoincrement=False),
        sa.Column("author", sa.String(30), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
    )
    _drafts()
    op.create_table(
        "answers",
        sa.Column("place", sa.String(40), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_answers_at", "answers", ["at"])


def _stories() -> None:
    op.create_table(
        "stories",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("genre", sa.String(20), nullable=False),
        sa.Column("notes", sa.String(300), nullable=False),
        sa.Column("author", sa.String(30), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("branches", sa.Integer(), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_stories_public_deleted_changed", "stories", ["public", "deleted", "changed"])


def _parts() -> None:
    op.create_table(
        "parts",
        sa.Column("id", _Id, primary_key=True, autoincrement=True),
        sa.Column("story", sa.String(24), sa.ForeignKey("stories.id"), nullable=False),
        sa.Column("branch", sa.Integer(), nullable=False),
        sa.Column("parent", _Id),
        sa.Column("author", sa.String(30), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.UniqueConstraint("story", "branch", "parent", name="uq_parts_story_branch_parent"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_parts_story", "parts", ["story"])


def _drafts() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("story", sa.String(24), sa.ForeignKey("stories.id"), nullable=False),
        sa.Column("parent", _Id, nullable=False),
        sa.Column("author", sa.String(30), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_drafts_story", "drafts", ["story"])
    op.create_index("ix_drafts_at", "drafts", ["at"])


def downgrade() -> None:
    for table in ("turns", "drafts", "answers", "parts", "stories"):
        op.drop_table(table)
