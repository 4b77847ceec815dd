"""`kogpt collect youtube` against a server that speaks the API: pages, replies, faults, and a run that was stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from package_copy import command, run
from youtube_server import INVALID_KEY, KEY, YoutubeServer, error, youtube_server

from kogpt_funcs.data.refusals import refusal

VIDEO = ["--video", "dQw4w9WgXcQ"]


@pytest.fixture
def server() -> Iterator[YoutubeServer]:
    with youtube_server() as running:
        yield running


def environment(server: YoutubeServer, key: str = KEY) -> dict[str, str]:
    return {"KOGPT_YOUTUBE_KEY": key, "KOGPT_YOUTUBE_URL": server.url}


def collect(server: YoutubeServer, *arguments: str | Path, key: str = KEY, status: int = 0) -> str:
    """What the command says, having checked that it ends with `status` and tells neither key nor stack trace."""
    done = run("collect", "youtube", *arguments, environment=environment(server, key))
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (status, b""), said
    assert "Traceback" not in said
    assert not key or key not in said
    return said


def test_pages_are_followed_to_the_end(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(250)
    said = collect(server, *VIDEO, "--order", "relevance", "--out", tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text("utf-8").splitlines()
    assert lines == [f"댓글 {i} 둘째 줄" for i in range(250)]
    assert "250 comments, 3 units of quota" in said
    assert [asked.get("pageToken") for asked in server.asked] == [None, "page-100", "page-200"]
    assert {(a["videoId"], a["order"], a["maxResults"], a["key"]) for a in server.asked} == {
        ("dQw4w9WgXcQ", "relevance", "100", KEY)
    }
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_jsonl_has_likes_and_date_but_nobodys_name(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(3, replies=7)
    collect(server, "--channel", "UCxyz", "--replies", "--out", tmp_path / "a.jsonl")
    content = (tmp_path / "a.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in content.splitlines()]
    assert rows[0] == {"text": "댓글 0 둘째 줄", "likes": 9, "date": "2026-11-20T09:00:00Z", "reply": False}
    assert [row["text"] for row in rows[1:8]] == [f"맞아요 답글 0-{r}" for r in range(7)]
    assert all(row["reply"] for row in rows[1:8])
    assert len(rows) == 10
    assert "작가" not in content
    assert "독자" not in content
    assert server.asked[0]["allThreadsRelatedToChannelId"] == "UCxyz"
    assert server.asked[1]["parentId"] == "t0"


def test_nothing_comes_twice(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(120)
    server.threads += server.threads[:5]  # what comes in while one pages moves the pages
    for i in range(7):  # and some paste the same text again
        server.threads[10 + i][0]["snippet"]["textOriginal"] = "구독하고 갑니다"
    said = collect(server, *VIDEO, "--out", tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text("utf-8").splitlines()
    assert len(lines) == len(set(lines)) == 114
    assert "114 comments (11 repeated ones left out)" in said


def test_a_limit_ends_it(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(250)
    collect(server, *VIDEO, "--limit", "130", "--out", tmp_path / "a.txt")
    assert len((tmp_path / "a.txt").read_text("utf-8").splitlines()) == 130
    assert len(server.asked) == 2


def test_an_address_does_for_an_id(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(1)
    collect(server, "--video", "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3", "--out", tmp_path / "a.txt")
    assert server.asked[0]["videoId"] == "dQw4w9WgXcQ"


def test_a_video_without_comments_gives_an_empty_file(tmp_path: Path, server: YoutubeServer) -> None:
    assert "0 comments, 1 units" in collect(server, *VIDEO, "--out", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b""


def test_faults_that_pass_are_waited_out(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(150)
    server.script = [(500, b"oops"), None, (503, b""), error(403, "rateLimitExceeded"), None]
    assert "150 comments" in collect(server, *VIDEO, "--out", tmp_path / "a.txt")


def test_the_quota_ends_a_run_and_the_next_goes_on(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(250)
    server.script = [None, error(403, "quotaExceeded")]
    said = collect(server, *VIDEO, "--out", tmp_path / "a.txt", status=1)
    assert "Stopped after 100 comments." in said
    assert "quota is used up" in said
    assert "250 comments, 2 units" in collect(server, *VIDEO, "--out", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text("utf-8").splitlines() == [f"댓글 {i} 둘째 줄" for i in range(250)]


def stopped(server: YoutubeServer, out: Path, number: int) -> str:
    """A run that got `number` while it waited for its third page."""
    server.at_once.clear()
    with subprocess.Popen(
        command("collect", "youtube", *VIDEO, "--out", out),
        stderr=subprocess.PIPE,
        env={**os.environ, **environment(server)},
    ) as process:
        assert process.stderr
        while len(server.asked) < 3:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        said = process.stderr.read().decode()
    assert process.returncode in (130, -number), said
    server.at_once.set()
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("suffix", [".txt", ".jsonl"])
def test_a_stopped_run_goes_on(tmp_path: Path, server: YoutubeServer, number: int, suffix: str) -> None:
    server.fill(350)
    out = tmp_path / f"a{suffix}"
    said = stopped(server, out, number)
    assert ("Stopped after 200 comments" in said) == (number == signal.SIGINT)
    with out.open("ab") as file:
        file.write("끊긴 줄".encode()[:-1])  # as a kill in the middle of a page leaves it
    with (tmp_path / f"a{suffix}.partial").open("ab") as file:
        file.write(b'{"next": "pa')
    assert "350 comments" in collect(server, *VIDEO, "--out", out)
    lines = out.read_text("utf-8").splitlines()
    assert [line if suffix == ".txt" else json.loads(line)["text"] for line in lines] == [
        f"댓글 {i} 둘째 줄" for i in range(350)
    ]
    assert len(server.asked) == 5  # three, one of them in vain, then two


def test_a_token_that_has_expired_begins_anew_without_repeating(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(250)
    server.script = [None, error(403, "quotaExceeded"), error(400, "invalidPageToken")]
    collect(server, *VIDEO, "--out", tmp_path / "a.txt", status=1)
    assert "250 comments (100 repeated" in collect(server, *VIDEO, "--out", tmp_path / "a.txt")
    assert len(set((tmp_path / "a.txt").read_text("utf-8").splitlines())) == 250


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (INVALID_KEY, "does not accept the key"),
        (error(400, "keyInvalid", "Bad Request"), "does not accept the key"),
        (error(403, "quotaExceeded"), "quota is used up"),
        (error(403, "commentsDisabled"), "video dQw4w9WgXcQ has comments switched off"),
        (error(403, "accessNotConfigured"), "has not switched the YouTube Data API v3 on"),
        (error(404, "videoNotFound"), "video dQw4w9WgXcQ does not exist"),
        (error(418, "teapot", "short and stout"), "(418, teapot: short and stout)"),
        ((404, b"<html>not JSON</html>"), "(404, no reason given)"),
        ((403, b"[]"), "not a list of comments"),
        ((200, b"{"), "not a list of comments"),
        ((200, b"\xff\xfe"), "not a list of comments"),
        ((200, [1]), "not a list of comments"),
        ((200, {"items": None}), "not a list of comments"),
    ],
)
def test_a_refusal_is_a_sentence_and_leaves_nothing(
    tmp_path: Path, server: YoutubeServer, script, sentence: str
) -> None:
    server.script = [script]
    assert sentence in collect(server, *VIDEO, "--out", tmp_path / "a.txt", status=1)
    assert list(tmp_path.iterdir()) == []


def test_threads_that_are_not_as_documented_are_passed_over(tmp_path: Path, server: YoutubeServer) -> None:
    server.fill(1)
    good = {"id": "t0", "snippet": {"topLevelComment": server.threads[0][0]}}
    broken = [None, 3, {}, {"snippet": None}, {"snippet": {"topLevelComment": {}}}, {"snippet": {"topLevelComment": 5}}]
    server.script = [(200, {"items": [*broken, good]})]
    assert "1 comments" in collect(server, *VIDEO, "--replies", "--out", tmp_path / "a.txt")


def test_an_error_that_stays_is_told_in_the_end() -> None:
    assert "error 503 again and again" in str(refusal(503, b"", "video x"))


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        ([], 2, "Give one of --video ID and --channel ID."),
        ([*VIDEO, "--channel", "UC"], 2, "Give one of --video ID and --channel ID."),
        ([*VIDEO, "--out", "{here}/a.csv"], 1, "must end in one of .txt, .jsonl"),
        ([*VIDEO, "--out", "{here}/there.txt"], 1, "exists already"),
        ([*VIDEO, "--out", "{here}/no/a.txt"], 1, "cannot be written"),
        (
            [*VIDEO, "--order", "relevance", "--out", "{here}/begun.txt"],
            1,
            "differs: order was 'time' and is now 'relevance'",
        ),
        ([*VIDEO, "--out", "{here}/damaged.txt"], 1, "is damaged"),
    ],
)
def test_wrong_use_is_told(
    tmp_path: Path, server: YoutubeServer, arguments: list[str], status: int, sentence: str
) -> None:
    (tmp_path / "there.txt").write_text("mine", "utf-8")
    begun = (
        '{"video": "dQw4w9WgXcQ", "order": "time", "replies": false}\n{"next": "x", "size": 0, "repeated": '
        '0, "ids": []}\n'
    )
    (tmp_path / "begun.txt.partial").write_text(begun, "utf-8")
    (tmp_path / "damaged.txt.partial").write_text("not json\n{}\n", "utf-8")
    given = [argument.replace("{here}", str(tmp_path)) for argument in arguments]
    if "--out" not in given:
        given += ["--out", str(tmp_path / "a.txt")]
    assert sentence in collect(server, *given, status=status)
    assert (tmp_path / "there.txt").read_text("utf-8") == "mine"
    assert server.asked == []


def test_without_a_key_it_says_where_to_get_one(tmp_path: Path, server: YoutubeServer) -> None:
    assert "KOGPT_YOUTUBE_KEY is not set" in collect(server, *VIDEO, "--out", tmp_path / "a.txt", key="", status=1)
