"""Turns: for 90 seconds one author alone writes what comes next at a place."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kogpt_funcs.sites import faults, library, places, secret
from kogpt_funcs.sites.requests import NewTurn
from kogpt_funcs.sites.shapes import moment
from kogpt_funcs.sites.tables import Turn

SECONDS = 90


def take(session: Session, story_id: str, form: NewTurn) -> dict[str, Any]:
    """The turn at a place, new or for another 90 seconds. Raises Conflict where another has it."""
    story = library.found(session, story_id, to_write=True)
    place = places.place(session, story, form.parent, form.branch)
    if place.follower:
        raise faults.Conflict(
            "그사이 다른 사람이 이 뒤를 이어 썼습니다. 새로 이어진 글을 읽고 그 뒤를 쓰거나, 여기서 다른 "
            "갈래를 시작해 주세요."
        )
    turn = held(session, story_id, place.branch, form.parent)
    if turn and not secret.opens(form.turn, turn.secret):
        raise faults.Conflict(busy(turn), {"turn": told(turn)})
    key = form.turn if turn and form.turn else secret.new()
    until = int(time.time()) + SECONDS
    session.merge(
        Turn(
            story=story_id,
            branch=place.branch,
            parent=form.parent,
            author=form.author,
            secret=secret.hashed(key),
            until=until,
        )
    )
    return {"turn": key, "branch": place.branch, "parent": form.parent, "until": moment(until)}


def give_back(session: Session, story_id: str, key: str | None) -> None:
    """Ends whatever turn in the story opens with `key`; one that is over already is no fault."""
    library.found(session, story_id, to_write=True)
    session.execute(delete(Turn).where(Turn.story == story_id, Turn.secret == secret.hashed(key or "")))


def held(session: Session, story_id: str, branch: int, parent: int) -> Turn | None:
    """The turn at this place, if somebody has it now."""
    turn = session.get(Turn, (story_id, branch, parent))
    return turn if turn and turn.until > time.time() else None


def all_held(session: Session, story_id: str) -> list[dict[str, Any]]:
    """Who is writing where in the story, without the secrets."""
    turns = session.scalars(select(Turn).where(Turn.story == story_id, Turn.until > int(time.time())))
    return [told(turn) for turn in turns]


def told(turn: Turn) -> dict[str, Any]:
    return {"branch": turn.branch, "parent": turn.parent, "author": turn.author, "until": moment(turn.until)}


def busy(turn: Turn) -> str:
    left = max(1, turn.until - int(time.time()))
    return (
        f"지금 ‘{turn.author}’ 님이 이 뒤를 쓰고 있습니다. {left}초 뒤에 다시 시도하거나, 여기서 다른 "
        f"갈래를 시작해 주세요."
    )
