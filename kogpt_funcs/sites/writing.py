"""Parts: added, taken back, branched from; and drafts, so that nobody who was slower loses a text."""

from __future__ import annotations

import secrets
import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.sites import faults, library, places, secret, turns
from kogpt_funcs.sites.requests import NewBranch, NewPart
from kogpt_funcs.sites.shapes import moment, part_shape
from kogpt_funcs.sites.tables import Draft, Part, Story, Turn

_MOST_CHANGES = 50  # parts that a conflict tells of
_DRAFT_SECONDS = 30 * 24 * 3600


def add(session: Session, story_id: str, form: NewPart) -> dict[str, Any]:
    """The new part, as AddedShape says. Raises Conflict where another was faster or has the turn.

    Who knows of the part that already follows (the version is the newest) and writes all the same begins a new branch.
    """
    story = library.found(session, story_id, to_write=True)
    if form.version > story.version:
        raise InvalidInput.of(
            "version", f"이야기는 아직 {story.version}판입니다. 마지막으로 읽은 version을 보내 주세요."
        )
    stale = form.version < story.version
    try:
        place = places.place(session, story, form.parent, form.branch)
    except faults.NoStory:
        if not stale:
            raise
        raise _too_late(session, story, form, "이어 쓰려던 대목을 글쓴이가 되돌렸습니다.") from None
    if place.follower and stale:
        raise _too_late(session, story, form, "그사이 다른 사람이 이 뒤를 이어 썼습니다.")
    if place.follower:
        return _append(session, story, form, _new_branch(story))
    turn = turns.held(session, story.id, place.branch, form.parent)
    if turn and not secret.opens(form.turn, turn.secret):
        raise _too_late(session, story, form, turns.busy(turn), {"turn": turns.told(turn)})
    session.execute(delete(Turn).where(Turn.story == story.id, Turn.branch == place.branch, Turn.parent == form.parent))
    return _append(session, story, form, place.branch)


def branch(session: Session, story_id: str, form: NewBranch) -> dict[str, Any]:
    """A new branch from a part, as BranchShape says; it is in the tree once something is written on it."""
    story = library.found(session, story_id, to_write=True)
    places.part(session, story, form.parent)
    return {"branch": _new_branch(story), "parent": form.parent, "version": story.version}


def take_back(session: Session, story_id: str, part_id: int, key: str | None) -> dict[str, Any]:
    """Removes the last part of a line for the one who wrote it; answers the new version."""
    story = library.found(session, story_id, to_write=True)
    part = places.part(session, story, part_id)
    if not secret.opens(key, part.secret):
        raise faults.Forbidden("자기가 쓴 대목만 되돌릴 수 있습니다. 쓸 때 받은 secret을 X-Secret 헤더로 보내 주세요.")
    if part.parent is None:
        raise faults.Conflict(
            "첫 대목은 되돌릴 수 없습니다. 이야기를 통째로 지우려면 DELETE /api/stories/{id}로 보내 주세요."
        )
    if session.scalar(select(Part.id).where(Part.story == story.id, Part.parent == part_id).limit(1)):
        raise faults.Conflict("다른 사람이 이미 이 뒤를 이어 썼습니다. 마지막 대목만 되돌릴 수 있습니다.")
    writers = [turn for turn in turns.all_held(session, story.id) if turn["parent"] == part_id]
    if writers:
        raise faults.Conflict(f"지금 ‘{writers[0]['author']}’ 님이 이 뒤를 쓰고 있습니다.", {"turn": writers[0]})
    session.delete(part)
    story.version += 1
    story.changed = int(time.time())
    return {"version": story.version}


def draft(session: Session, story_id: str, draft_id: str, key: str | None) -> dict[str, Any]:
    """A kept draft, as DraftShape says, for the one who wrote it."""
    library.found(session, story_id)
    kept = session.get(Draft, draft_id) if library.NAME.fullmatch(draft_id) else None
    if kept is None or kept.story != story_id:
        raise faults.NoStory("그런 초고는 없습니다. 초고는 한 달 동안 둡니다.")
    if not secret.opens(key, kept.secret):
        raise faults.Forbidden("초고는 쓴 사람만 볼 수 있습니다. 받은 secret을 X-Secret 헤더로 보내 주세요.")
    return {"id": kept.id, "parent": kept.parent, "author": kept.author, "text": kept.text, "at": moment(kept.at)}


def keep_draft(session: Session, story_id: str, form: NewPart) -> dict[str, str]:
    """Keeps the text of one who was too late; answers its id and the secret that opens it."""
    key, now = secret.new(), int(time.time())
    session.execute(delete(Draft).where(Draft.at < now - _DRAFT_SECONDS))
    kept = Draft(
        id=secrets.token_urlsafe(9),
        story=story_id,
        parent=form.parent,
        author=form.author,
        text=form.text,
        secret=secret.hashed(key),
        at=now,
    )
    session.add(kept)
    return {"id": kept.id, "secret": key}


def _append(session: Session, story: Story, form: NewPart, branch: int) -> dict[str, Any]:
    key, now = secret.new(), int(time.time())
    story.version += 1
    story.changed = now
    part = Part(
        story=story.id,
        branch=branch,
        parent=form.parent,
        author=form.author,
        text=form.text,
        by=form.by,
        version=story.version,
        at=now,
        secret=secret.hashed(key),
    )
    session.add(part)
    session.flush()
    return {"part": part_shape(part), "version": story.version, "secret": key}


def _new_branch(story: Story) -> int:
    story.branches += 1
    return story.branches


def _too_late(
    session: Session, story: Story, form: NewPart, message: str, more: dict[str, Any] | None = None
) -> faults.Conflict:
    newer = (
        select(Part)
        .where(Part.story == story.id, Part.version > form.version)
        .order_by(Part.version)
        .limit(_MOST_CHANGES)
    )
    changed = {"version": story.version, "parts": [part_shape(part) for part in session.scalars(newer)]}
    return faults.Conflict(
        f"{message} 쓴 글은 초고로 두었습니다.", {"changed": changed, "text": form.text, **(more or {})}
    )
