"""A server that speaks as much of the YouTube Data API v3 as collecting comments asks of it, faults included."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "AIza-test-key"
Answer = tuple[int, Any]  # status, and JSON or raw bytes


def error(status: int, reason: str, message: str = "told in English") -> Answer:
    return status, {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}


INVALID_KEY = (
    400,
    {
        "error": {
            "code": 400,
            "message": "API key not valid. Please pass a valid API key.",
            "errors": [
                {
                    "message": "API key not valid. Please pass a valid API key.",
                    "domain": "global",
                    "reason": "badRequest",
                }
            ],
            "status": "INVALID_ARGUMENT",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
        }
    },
)


def comment(name: str, text: str, author: str) -> dict[str, Any]:
    return {
        "kind": "youtube#comment",
        "id": name,
        "snippet": {
            "textOriginal": text,
            "textDisplay": text.replace("\n", "<br>"),
            "authorDisplayName": author,
            "authorChannelId": {"value": f"UC-{author}"},
            "likeCount": len(text),
            "publishedAt": "2026-11-20T09:00:00Z",
        },
    }


class YoutubeServer(ThreadingHTTPServer):
    """`threads` are its comment threads, `script` the answers it gives first (None: the true one), `asked` what it
    was asked.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.threads: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        self.script: list[Answer | None] = []
        self.asked: list[dict[str, str]] = []
        self.at_once = threading.Event()  # while not set, every answer from the third request on waits
        self.at_once.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def fill(self, count: int, replies: int = 0) -> None:
        """`count` threads; each third has `replies` replies. Texts hold line breaks, replies call their thread's
        author.
        """
        for i in range(count):
            answers = [
                comment(f"t{i}.r{r}", f"@작가 {i} 맞아요\n답글 {i}-{r}", f"독자{r}")
                for r in range(replies if i % 3 == 0 else 0)
            ]
            self.threads.append((comment(f"t{i}", f"댓글 {i}\n둘째 줄", f"@작가 {i}"), answers))

    def answer(self, path: str, asked: dict[str, str]) -> Answer:
        self.asked.append({"path": path, **asked})
        if len(self.asked) > 2:
            self.at_once.wait(30)
        if self.script and (scripted := self.script.pop(0)) is not None:
            return scripted
        if asked.get("key") != KEY:
            return INVALID_KEY
        if path == "/youtube/v3/comments":
            thread = next(answers for top, answers in self.threads if top["id"] == asked["parentId"])
            return self._page(asked, thread)
        if path != "/youtube/v3/commentThreads" or not {"videoId", "allThreadsRelatedToChannelId"} & set(asked):
            return error(404, "notFound")
        with_replies = "replies" in asked["part"]
        return self._page(asked, [_thread(top, answers, with_replies) for top, answers in self.threads])

    def _page(self, asked: dict[str, str], items: list[dict[str, Any]]) -> Answer:
        start = int(asked.get("pageToken", "page-0").removeprefix("page-"))
        size = int(asked.get("maxResults", 20))
        if not 1 <= size <= 100:
            return error(400, "invalidMaxResults")
        following = {"nextPageToken": f"page-{start + size}"} if start + size < len(items) else {}
        return 200, {"kind": "youtube#list", "items": items[start : start + size], **following}


def _thread(top: dict[str, Any], answers: list[dict[str, Any]], with_replies: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"id": top["id"], "snippet": {"topLevelComment": top, "totalReplyCount": len(answers)}}
    if with_replies and answers:
        found["replies"] = {"comments": answers[:5]}  # as YouTube does
    return found


class _Handler(BaseHTTPRequestHandler):
    server: YoutubeServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        status, body = self.server.answer(
            parts.path, {key: ",".join(values) for key, values in parse_qs(parts.query).items()}
        )
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def youtube_server() -> Iterator[YoutubeServer]:
    server = YoutubeServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.at_once.set()
        server.shutdown()
        server.server_close()
        thread.join()
