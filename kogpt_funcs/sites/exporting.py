"""A line of a story as a file to keep: plain text, Markdown, EPUB."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from kogpt_funcs.sites.epub import epub

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$])")
Line = list[dict[str, Any]]


class Format(NamedTuple):
    media_type: str
    write: Callable[[dict[str, Any], Line], bytes]


def authors(line: Line) -> list[str]:
    """Who wrote the line, each once, in the order they came."""
    return list(dict.fromkeys(part["author"] for part in line))


def disposition(story: dict[str, Any], form: str) -> str:
    """The Content-Disposition header: the story's title as the file's name (RFC 6266)."""
    name = re.sub(r'[\x00-\x1f\\/:*?"<>|]', " ", story["title"]).strip(" .") or "story"
    return f"attachment; filename=\"story.{form}\"; filename*=UTF-8''{quote(f'{name}.{form}', safe='')}"


def _text(story: dict[str, Any], line: Line) -> bytes:
    head = f"{story['title']}\n{', '.join(authors(line))}\n"
    return "\n\n".join([head, *(part["text"] for part in line)]).encode() + b"\n"


def _markdown(story: dict[str, Any], line: Line) -> bytes:
    """Texts as they are, whatever marks they hold: each mark is escaped, each line its own paragraph."""
    paragraphs = [_MARKS.sub(r"\\\1", row.strip()) for part in line for row in part["text"].split("\n") if row.strip()]
    title, names = (_MARKS.sub(r"\\\1", text) for text in (story["title"], ", ".join(authors(line))))
    return "\n\n".join([f"# {title}", f"*{names}*", *paragraphs]).encode() + b"\n"


def _epub(story: dict[str, Any], line: Line) -> bytes:
    return epub(story["id"], story["title"], authors(line), [part["text"] for part in line], line[-1]["at"])


FORMATS = {
    "txt": Format("text/plain; charset=utf-8", _text),
    "md": Format("text/markdown; charset=utf-8", _markdown),
    "epub": Format("application/epub+zip", _epub),
}
