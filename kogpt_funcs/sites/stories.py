"""The stories as REST, pages and tools use them: each call is one transaction on the database."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy.exc import IntegrityError

from kogpt_funcs.sites import faults, library, repeats, turns, writing
from kogpt_funcs.sites.database import Database
from kogpt_funcs.sites.requests import NewBranch, NewPart, NewStory, NewTurn, Search, Suggest


class Stories:
    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Closes the database's connections."""
        self._database.close()

    def create(self, form: NewStory, key: str | None = None) -> dict[str, Any]:
        for last in (False, True):
            try:
                with self._database.writing() as session:
                    return repeats.once(
                        session, "stories", key, form.model_dump(), lambda: library.create(session, form)
                    )
            except IntegrityError:  # the same request came twice at once: the other one's answer is there now
                if last:
                    raise
        raise AssertionError

    def search(self, form: Search) -> dict[str, Any]:
        with self._database.reading() as session:
            return library.search(session, form)

    def read(self, story_id: str) -> dict[str, Any]:
        with self._database.reading() as session:
            return library.read(session, story_id)

    def take_back(self, story_id: str, secret: str | None) -> None:
        with self._database.writing() as session:
            library.take_back(session, story_id, secret)

    def add(self, story_id: str, form: NewPart, key: str | None = None) -> dict[str, Any]:
        """A conflict keeps the text as a draft before it is told."""
        try:
            with self._database.writing() as session:
                library.found(session, story_id, to_write=True)
                return repeats.once(
                    session, f"parts {story_id}", key, form.model_dump(), lambda: writing.add(session, story_id, form)
                )
        except faults.Conflict as conflict:
            with self._database.writing() as session:
                conflict.details["draft"] = writing.keep_draft(session, story_id, form)
            raise

    def remove(self, story_id: str, part_id: int, secret: str | None) -> dict[str, Any]:
        with self._database.writing() as session:
            return writing.take_back(session, story_id, part_id, secret)

    def branch(self, story_id: str, form: NewBranch) -> dict[str, Any]:
        with self._database.writing() as session:
            return writing.branch(session, story_id, form)

    def take_turn(self, story_id: str, form: NewTurn) -> dict[str, Any]:
        with self._database.writing() as session:
            return turns.take(session, story_id, form)

    def give_turn_back(self, story_id: str, secret: str | None) -> None:
        with self._database.writing() as session:
            turns.give_back(session, story_id, secret)

    def draft(self, story_id: str, draft_id: str, secret: str | None) -> dict[str, Any]:
        with self._database.reading() as session:
            return writing.draft(session, story_id, draft_id, secret)

    def state(self, story_id: str) -> dict[str, Any]:
        """What live readers are told of: the version, and who is writing where."""
        with self._database.reading() as session:
            story = library.found(session, story_id)
            return {"version": story.version, "turns": turns.all_held(session, story_id)}

    def line(self, story_id: str, part_id: int | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The story and its parts from the opening to that part; to the end of the first branch where none is named."""
        story = self.read(story_id)
        if part_id is None:
            part_id = tip(story, 0)["id"]
        line = path(story, part_id)
        if not line:
            raise faults.NoStory(f"이 이야기에 {part_id}번 대목은 없습니다.")
        return story, line

    def asked(self, story_id: str, form: Suggest) -> dict[str, Any]:
        """What relay_novel is asked for what may come after a part."""
        from kogpt_funcs.korean.text import sentences

        story, line = self.line(story_id, form.parent)
        *before, newest = sentences(line[-1]["text"].replace("\n", " "))
        told = "\n".join([*(part["text"] for part in line[:-1]), " ".join(before)])
        return {
            "story": told[-100_000:],
            "sentence": newest[-500:],
            "genre": story["genre"],
            "notes": story["notes"],
            "num_candidates": form.num_candidates,
            "temperature": form.temperature,
        }


@cache
def stories() -> Stories:
    """Those of the database that the settings name."""
    return Stories(Database())


def tip(story: dict[str, Any], branch: int) -> dict[str, Any]:
    """The last part on a branch; of one that has none, the end of the first branch."""
    on_it = [part for part in story["parts"] if part["branch"] == branch]
    return on_it[-1] if on_it else tip(story, 0)


def path(story: dict[str, Any], part_id: int) -> list[dict[str, Any]]:
    """The parts from the opening to the one of that id; empty if it is not in the story."""
    by_id = {part["id"]: part for part in story["parts"]}
    line = []
    part = by_id.get(part_id)
    while part is not None:
        line.append(part)
        part = by_id.get(part["parent"])
    return line[::-1]
