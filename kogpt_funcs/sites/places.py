"""Where in a story's tree something is written: after a part, on a branch."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.sites import faults
from kogpt_funcs.sites.tables import Part, Story


class Place(NamedTuple):
    """After `parent` on `branch`; `follower` is the part that already stands there."""

    parent: Part
    branch: int
    follower: Part | None


def place(session: Session, story: Story, parent_id: int, branch: int | None) -> Place:
    """The place after that part; its own branch where none is named. Raises NoStory for a part that is not in the
    story.
    """
    parent = part(session, story, parent_id)
    chosen = parent.branch if branch is None else branch
    if chosen > story.branches:
        raise InvalidInput.of(
            "branch", f"없는 갈래입니다. 새 갈래는 POST …/branch로 시작합니다. 있는 갈래: 0–{story.branches}."
        )
    if chosen != parent.branch and session.scalar(
        select(func.count()).where(Part.story == story.id, Part.branch == chosen)
    ):
        raise InvalidInput.of("branch", f"{parent_id}번 대목은 {chosen}번 갈래의 끝이 아닙니다.")
    follower = session.scalar(
        select(Part).where(Part.story == story.id, Part.branch == chosen, Part.parent == parent_id)
    )
    return Place(parent, chosen, follower)


def part(session: Session, story: Story, part_id: int) -> Part:
    """The part of that id in this story, or NoStory."""
    found = session.get(Part, part_id) if 0 < part_id < 2**63 else None
    if found is None or found.story != story.id:
        raise faults.NoStory(
            f"이 이야기에 {part_id}번 대목은 없습니다. 되돌려졌을 수 있으니 이야기를 다시 읽어 주세요."
        )
    return found
