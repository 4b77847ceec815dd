"""Comments of a video or a channel from the YouTube Data API v3, by Google's own client. It knows no file."""

from __future__ import annotations

import http.client
import logging
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.data.refusals import refusal
from kogpt_funcs.korean.text import clean

PAGE = 100  # comments a page: the most that the API gives for its one unit of quota
_MENTION = re.compile(r"(?<![\w.])@[\w.·-]+")


class Comment(NamedTuple):
    """A comment as one line. Who wrote it is not kept, and names that replies call out are taken away."""

    id: str
    text: str
    likes: int
    date: str  # ISO 8601, as YouTube gives it
    reply: bool


class Page(NamedTuple):
    """Comments in YouTube's order, each thread's replies behind it; `next` is the next page's token, empty after the
    last.
    """

    comments: list[Comment]
    next: str


class Wanted(NamedTuple):
    """Whose comments: `kind` is "video" or "channel" (then those on all its videos), `order` "time" or "relevance"."""

    kind: str
    name: str
    order: str = "time"
    replies: bool = False


class Youtube:
    """The API with one key. `units` counts the quota spent: one a request."""

    def __init__(self, key: str, url: str | None = None, retries: int = 4) -> None:
        """`url` is where the API answers if not at Google; a failing request is repeated `retries` times, ever
        later.
        """
        try:
            from googleapiclient.discovery import build
        except ImportError:
            raise KogptError(
                "Collecting from YouTube needs Google's client: pip install google-api-python-client"
            ) from None
        # The client's messages quote addresses, and addresses hold the key.
        logging.getLogger("googleapiclient").setLevel(logging.CRITICAL)
        options = {"api_endpoint": url} if url else None
        self._api: Any = build("youtube", "v3", developerKey=key, static_discovery=True, client_options=options)
        self._retries = retries
        self.units = 0

    def page(self, wanted: Wanted, token: str = "") -> Page:
        """The page with `token`, or the first. Raises KogptError with a sentence that says what to do; StalePage if
        the token expired.
        """
        source = {"video": "videoId", "channel": "allThreadsRelatedToChannelId"}[wanted.kind]
        request = self._api.commentThreads().list(
            part="snippet,replies" if wanted.replies else "snippet",
            maxResults=PAGE,
            order=wanted.order,
            textFormat="plainText",
            pageToken=token or None,
            **{source: wanted.name},
        )
        answer = self._ask(request, wanted)
        found = [comment for thread in answer["items"] for comment in self._thread(thread, wanted)]
        following = str(answer.get("nextPageToken") or "")
        return Page(found, following if following != token else "")

    def _thread(self, thread: Any, wanted: Wanted) -> Iterator[Comment]:
        try:
            top = thread["snippet"]["topLevelComment"]
            expected = int(thread["snippet"].get("totalReplyCount") or 0)
            given = list((thread.get("replies") or {}).get("comments", []))
        except (KeyError, TypeError, ValueError, AttributeError):
            return
        if wanted.replies and len(given) < expected:  # a thread comes with the latest few only
            given = list(self._replies(str(top.get("id")), wanted))
        names = [str(_snippet(item).get("authorDisplayName") or "") for item in (top, *given)]
        for item in (top, *given):
            if comment := _comment(item, names, reply=item is not top):
                yield comment

    def _replies(self, parent: str, wanted: Wanted) -> Iterator[Any]:
        token = None
        while True:
            request = self._api.comments().list(
                part="snippet", parentId=parent, maxResults=PAGE, textFormat="plainText", pageToken=token
            )
            answer = self._ask(request, wanted)
            yield from answer["items"]
            following = answer.get("nextPageToken") or None
            if following in (None, token):
                return
            token = following

    def _ask(self, request: Any, wanted: Wanted) -> dict[str, Any]:
        from googleapiclient.errors import HttpError
        from httplib2 import HttpLib2Error

        self.units += 1
        try:
            answer = request.execute(num_retries=self._retries)
        except HttpError as error:
            raise refusal(error.status_code, error.content, f"{wanted.kind} {wanted.name}") from None
        except (OSError, HttpLib2Error, http.client.HTTPException) as error:
            raise KogptError(
                f"YouTube cannot be reached ({type(error).__name__}). Check the network, then repeat the command."
            ) from None
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
        ):  # the client's own, on an answer that is no JSON object
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
            raise KogptError("YouTube's answer is not a list of comments. Repeat the command later.")
        return answer


def _snippet(item: Any) -> dict[str, Any]:
    found = item.get("snippet") if isinstance(item, dict) else None
    return found if isinstance(found, dict) else {}


def _comment(item: Any, names: list[str], *, reply: bool) -> Comment | None:
    """The comment in `item` without the `names` that it mentions; None if there is none, or no text in it."""
    told = _snippet(item)
    text = _line(str(told.get("textOriginal") or told.get("textDisplay") or ""), names)
    if not text or not item.get("id"):
        return None
    likes = told.get("likeCount")
    return Comment(
        str(item["id"]), text, likes if isinstance(likes, int) else 0, str(told.get("publishedAt") or ""), reply
    )


def _line(text: str, names: list[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        if name.strip("@ "):
            text = text.replace("@" + name.lstrip("@"), " ")
    return " ".join(_MENTION.sub(" ", clean(text)).split())
