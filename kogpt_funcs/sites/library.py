"""The stories as a whole: opened, found, read, taken back."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from kogpt_funcs.sites import faults, secret
from kogpt_funcs.sites.requests import NewStory, Search
from kogpt_funcs.sites.shapes import moment, part_shape, story_shape
from kogpt_funcs.sites.tables import Answer, Draft, Part, Story, Turn

PAGE = 20
NAME = re.compile(r"[\w-]{1,24}", re.ASCII)  # of a story or a draft


def create(session: Session, form: NewStory) -> dict[str, Any]:
    """A new story with its opening, as CreatedShape says."""
    key, now = secret.new(), int(time.time())
    story = Story(
        id=secrets.token_urlsafe(9),
        title=form.title,
        genre=form.genre,
        notes=form.notes,
        author=form.author,
        public=form.public,
        version=1,
        branches=0,
        secret=secret.hashed(key),
        created=now,
        changed=now,
        deleted=False,
    )
    session.add(story)
    session.flush()
    opening = Part(
        story=story.id,
        branch=0,
        parent=None,
        author=form.author,
        text=form.opening,
        by="person",
        version=1,
        at=now,
        secret=secret.hashed(key),
    )
    session.add(opening)
    session.flush()
    return {"id": story.id, "version": 1, "parts": [part_shape(opening)], "secret": key}


def search(session: Session, form: Search) -> dict[str, Any]:
    """One page of the public stories, those that changed last first."""
    wanted = [Story.public, ~Story.deleted]
    if form.genre:
        wanted.append(Story.genre == form.genre)
    if form.q:
        wanted.append(or_(*(field.icontains(form.q, autoescape=True) for field in (Story.title, Story.author))))
    total = session.scalar(select(func.count()).select_from(Story).where(*wanted)) or 0
    count = select(func.count()).where(Part.story == Story.id).scalar_subquery()
    opening = select(Part.text).where(Part.story == Story.id, Part.parent.is_(None)).scalar_subquery()
    query = select(Story, count, opening).where(*wanted).order_by(Story.changed.desc(), Story.id)
    rows = session.execute(query.offset((form.page - 1) * PAGE).limit(PAGE)).all()
    cards = [
        {
            "id": story.id,
            "title": story.title,
            "genre": story.genre,
            "author": story.author,
            "opening": text or "",
            "parts": parts,
            "version": story.version,
            "changed": moment(story.changed),
        }
        for story, parts, text in rows
    ]
    return {"stories": cards, "total": total, "page": form.page, "pages": max(1, -(-total // PAGE))}


def read(session: Session, story_id: str) -> dict[str, Any]:
    """The whole story, as StoryShape says."""
    story = found(session, story_id)
    return story_shape(story, parts_of(session, story))


def found(session: Session, story_id: str, *, to_write: bool = False) -> Story:
    """The story, held until the transaction ends if it is `to_write`. Raises NoStory or Gone."""
    story = session.get(Story, story_id, with_for_update=to_write or None) if NAME.fullmatch(story_id) else None
    if story is None:
        raise faults.NoStory(
            f"{story_id[:40]}이라는 이야기는 없습니다. 주소를 다시 확인해 주세요.",
            f"There is no story {story_id[:40]}. Check its address.",
        )
    if story.deleted:
        raise faults.Gone("글쓴이가 거두어들인 이야기입니다.", "The author has taken this story back.")
    return story


def parts_of(session: Session, story: Story) -> list[Part]:
    return list(session.scalars(select(Part).where(Part.story == story.id).order_by(Part.version, Part.id)))


def take_back(session: Session, story_id: str, key: str | None) -> None:
    """Deletes the story, all it holds with it; only that it was there is kept."""
    story = found(session, story_id, to_write=True)
    if not secret.opens(key, story.secret):
        raise faults.Forbidden("이야기를 연 사람만 지울 수 있습니다. 열 때 받은 secret을 X-Secret 헤더로 보내 주세요.")
    for table in (Turn, Draft, Part):
        session.execute(delete(table).where(table.story == story.id))
    session.execute(delete(Answer).where(Answer.place.in_([f"parts {story.id}"])))
    story.deleted, story.title, story.notes, story.author = True, "", "", ""
    story.version += 1
