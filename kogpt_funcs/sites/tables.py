"""The tables: stories, their parts as trees, and what keeps writers out of each other's way.

A part is on a branch. A branch begins at some part and goes on as one line: no two parts on it have the same parent,
and the database itself sees to that. Branch 0 is the one that a story begins with.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_Id = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up an INTEGER alone


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={"uq": "uq_%(table_name)s_%(column_0_N_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"}
    )


class Story(Base):
    """`version` goes up by one with every change to the parts. Times are seconds since 1970."""

    __tablename__ = "stories"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    genre: Mapped[str] = mapped_column(String(20))
    notes: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(30))
    public: Mapped[bool]
    version: Mapped[int]
    branches: Mapped[int]  # the last branch's number
    secret: Mapped[str] = mapped_column(String(64))  # of who may delete the story, as a hash
    created: Mapped[int] = mapped_column(BigInteger)
    changed: Mapped[int] = mapped_column(BigInteger)
    deleted: Mapped[bool]

    __table_args__ = (Index(None, "public", "deleted", "changed"),)


class Part(Base):
    """One turn. Its id is never given again, though its author take it back."""

    __tablename__ = "parts"

    id: Mapped[int] = mapped_column(_Id, primary_key=True, autoincrement=True)
    story: Mapped[str] = mapped_column(ForeignKey("stories.id"), index=True)
    branch: Mapped[int]
    parent: Mapped[int | None] = mapped_column(_Id)
    author: Mapped[str] = mapped_column(String(30))
    text: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]  # the story's when the part was added
    at: Mapped[int] = mapped_column(BigInteger)
    secret: Mapped[str] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("story", "branch", "parent"), {"sqlite_autoincrement": True})


class Turn(Base):
    """Somebody is writing what comes after `parent` on `branch`, until a time."""

    __tablename__ = "turns"

    story: Mapped[str] = mapped_column(ForeignKey("stories.id"), primary_key=True)
    branch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent: Mapped[int] = mapped_column(_Id, primary_key=True, autoincrement=False)
    author: Mapped[str] = mapped_column(String(30))
    secret: Mapped[str] = mapped_column(String(64))
    until: Mapped[int] = mapped_column(BigInteger)


class Draft(Base):
    """The text of somebody who was slower, kept for a month."""

    __tablename__ = "drafts"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    story: Mapped[str] = mapped_column(ForeignKey("stories.id"), index=True)
    parent: Mapped[int] = mapped_column(_Id)
    author: Mapped[str] = mapped_column(String(30))
    text: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(BigInteger, index=True)


class Answer(Base):
    """What a request with an Idempotency-Key was answered, kept for a day: the same request again adds nothing."""

    __tablename__ = "answers"

    place: Mapped[str] = mapped_column(String(40), primary_key=True)  # what was asked of which story
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))  # a hash of what was asked
    answer: Mapped[str] = mapped_column(Text)
    at: Mapped[int] = mapped_column(BigInteger, index=True)
