"""A story to keep: txt, Markdown and EPUB of a chosen line, whatever marks its texts hold."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from stories_server import OPENING, StoriesServer

NASTY = '<script>alert(1)</script> & "따옴표" # 제목 *별* [줄](http://x)\ufffe\n둘째 줄.'
TITLE = 'a/b "<i>책</i>" ..'
_OPF = {"opf": "http://www.idpf.org/2007/opf", "dc": "http://purl.org/dc/elements/1.1/"}

_EPUBCHECK = Path("/usr/share/java/epubcheck.jar")  # where Debian's package has it: a jar is no program everywhere


@pytest.fixture(scope="module")
def told(stories: StoriesServer) -> dict[str, Any]:
    """A story with a nasty part on its first branch and another on a second one."""
    story = stories.http.post("/api/stories", json={**OPENING, "title": TITLE}).json()
    parts = f"/api/stories/{story['id']}/parts"
    for version, text in ((1, NASTY), (2, "다른 갈래의 글.")):
        body = {"text": text, "author": "<b>필명</b>", "parent": story["parts"][0]["id"], "version": version}
        story["parts"].append(stories.http.post(parts, json=body).json()["part"])
    return story


def exported(server: StoriesServer, story: dict[str, Any], form: str, part: int | None = None) -> bytes:
    answer = server.http.get(
        f"/api/stories/{story['id']}/export", params={"format": form, **({"part": part} if part else {})}
    )
    assert answer.status_code == 200, answer.text
    name = unquote(answer.headers["content-disposition"].rpartition("''")[2])
    assert name.endswith(f".{form}")
    assert not set(name) & set('/"<>')
    return answer.content


def test_text_is_as_it_was_written(stories: StoriesServer, told: dict[str, Any]) -> None:
    text = exported(stories, told, "txt").decode()
    assert text.startswith(TITLE)
    assert OPENING["opening"] in text
    assert NASTY in text
    assert "다른 갈래" not in text
    other = exported(stories, told, "txt", told["parts"][2]["id"]).decode()
    assert "다른 갈래" in other
    assert "둘째 줄" not in other


def test_markdown_shows_marks_as_themselves(stories: StoriesServer, told: dict[str, Any]) -> None:
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").render(exported(stories, told, "md").decode())
    assert "<script" not in html
    assert "<a " not in html
    assert "<em>별" not in html
    assert html.count("<h1>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;따옴표&quot; # 제목 *별* [줄](http://x)" in html
    assert "<p>둘째 줄.</p>" in html


def test_epub_is_whole(stories: StoriesServer, told: dict[str, Any]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(exported(stories, told, "epub")))
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type, archive.read("mimetype")) == (
        "mimetype",
        zipfile.ZIP_STORED,
        b"application/epub+zip",
    )
    package = ElementTree.fromstring(archive.read("book.opf"))
    assert package.findtext(".//dc:title", namespaces=_OPF) == TITLE
    assert [creator.text for creator in package.iterfind(".//dc:creator", _OPF)] == ["느린 고래", "<b>필명</b>"]
    listed = [item.attrib["href"] for item in package.iterfind(".//opf:item", _OPF)]
    assert set(archive.namelist()) == {"mimetype", "META-INF/container.xml", "book.opf", *listed}
    text = ElementTree.fromstring(archive.read("text.xhtml"))
    paragraphs = [paragraph.text for paragraph in text.iter("{http://www.w3.org/1999/xhtml}p")]
    assert paragraphs == [OPENING["opening"], NASTY.split("\n")[0].replace("\ufffe", ""), "둘째 줄."]


@pytest.mark.skipif(
    not (_EPUBCHECK.exists() and shutil.which("java")), reason="epubcheck is not installed: apt-get install epubcheck"
)
def test_epubcheck_finds_no_fault(stories: StoriesServer, told: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "book.epub"
    file.write_bytes(exported(stories, told, "epub"))
    checked = subprocess.run(["java", "-jar", _EPUBCHECK, file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "warning" not in checked.stderr.lower().replace("0 warnings", "")
