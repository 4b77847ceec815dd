"""A story's parts as a tree, for the pages: which ways leave a line, and the whole tree as indented rows."""

from __future__ import annotations

from typing import Any, NamedTuple

_MOST_DEPTH = 6  # deeper rows are indented no further: a phone is narrow


class Row(NamedTuple):
    part: dict[str, Any]
    depth: int  # how many forks lie between the opening and it
    fork: bool  # whether more than one part follows
    start: bool  # whether a branch begins with it


def other_ways(story: dict[str, Any], line: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """For each part of `line` after which the story forks: the following parts that are not on the line."""
    on_line = {part["id"] for part in line}
    following = _children(story)
    ways = {
        part["id"]: [child for child in following.get(part["id"], []) if child["id"] not in on_line]
        for part in line[:-1]
    }
    ways[line[-1]["id"]] = following.get(line[-1]["id"], [])
    return {part: others for part, others in ways.items() if others}


def rows(story: dict[str, Any]) -> list[Row]:
    """Every part, each line in one piece; what branches from a part comes after it and before the line goes on."""
    following = _children(story)
    found: list[Row] = []
    waiting = [(part, 0, False) for part in reversed(following.get(None, []))]
    while waiting:
        part, depth, start = waiting.pop()
        children = following.get(part["id"], [])
        found.append(Row(part, min(depth, _MOST_DEPTH), len(children) > 1, start))
        # The line itself goes on at the same depth, after all that leaves it.
        same = [(child, depth, False) for child in children if child["branch"] == part["branch"]]
        others = [(child, depth + 1, True) for child in children if child["branch"] != part["branch"]]
        waiting += [*same, *reversed(others)]
    return found


def _children(story: dict[str, Any]) -> dict[int | None, list[dict[str, Any]]]:
    following: dict[int | None, list[dict[str, Any]]] = {}
    for part in story["parts"]:
        following.setdefault(part["parent"], []).append(part)
    return following
