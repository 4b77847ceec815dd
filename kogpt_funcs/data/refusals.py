"""What the YouTube Data API means by its errors, in sentences that say what to do next."""

from __future__ import annotations

import json
from typing import Any

from kogpt_funcs.contract.errors import KogptError

_CONSOLE = "console.cloud.google.com"
_KEY = f"YouTube does not accept the key in KOGPT_YOUTUBE_KEY. Make one for the YouTube Data API v3 at {_CONSOLE}."
_QUOTA = (
    "The key's quota is used up (10,000 units a day unless Google gave it more; a page is one unit; it is "
    "filled again at "
    "midnight, Pacific time). Repeat the command then."
)
_NO_API = (
    f"The key's project has not switched the YouTube Data API v3 on. Switch it on at {_CONSOLE}, wait a "
    f"minute and repeat."
)

#: The API's reason → the sentence (developers.google.com/youtube/v3/docs/errors and .../commentThreads/list).
_SENTENCES = {
    "keyInvalid": _KEY,
    "API_KEY_INVALID": _KEY,
    "keyExpired": _KEY,
    "API_KEY_EXPIRED": _KEY,
    "ipRefererBlocked": "The key in KOGPT_YOUTUBE_KEY is restricted to other addresses than this machine's. "
    "Change that in the console.",
    "API_KEY_SERVICE_BLOCKED": f"The key in KOGPT_YOUTUBE_KEY is restricted to other APIs. Allow it YouTube "
    f"Data API v3 at {_CONSOLE}.",
    "accessNotConfigured": _NO_API,
    "SERVICE_DISABLED": _NO_API,
    "quotaExceeded": _QUOTA,
    "dailyLimitExceeded": _QUOTA,
    "rateLimitExceeded": "YouTube says that requests come too fast. Repeat the command in some minutes.",
    "userRateLimitExceeded": "YouTube says that requests come too fast. Repeat the command in some minutes.",
    "commentsDisabled": "{source} has comments switched off: there is nothing to collect.",
    "videoNotFound": "{source} does not exist. The id is what follows v= in the video's address, eleven characters.",
    "channelNotFound": "{source} does not exist. A channel's id begins with UC and has 24 characters; its name "
    "is not its id.",
    "channelClosed": "{source} is closed.",
    "channelSuspended": "{source} is suspended.",
    "forbidden": "YouTube does not show the comments of {source} to this key: it may be private.",
}


class StalePage(KogptError):
    """The page token of a resumed run is no longer good."""


def refusal(status: int, content: bytes, source: str) -> KogptError:
    """The error for an answer with `status` that is not 200; `source` is what was asked for, as "video abc"."""
    reasons, message = _reasons(content)
    if "invalidPageToken" in reasons:
        return StalePage("YouTube no longer knows the page where this collection stopped.")
    for reason in reasons:
        if reason in _SENTENCES:
            return KogptError(_SENTENCES[reason].format(source=source))
    if "API key not valid" in message:
        return KogptError(_KEY)
    if status >= 500:
        return KogptError(f"YouTube answers with error {status} again and again. Repeat the command later.")
    told = ": ".join(part for part in (reasons[0] if reasons else "", message) if part) or "no reason given"
    return KogptError(f"YouTube refused to give the comments of {source} ({status}, {told}).")


def _reasons(content: bytes) -> tuple[list[str], str]:
    """The reasons an error names, the most telling first, and its message in words."""
    try:
        error: Any = json.loads(content)["error"]
        told = [*error.get("details", []), *error.get("errors", [])]
        reasons = [str(entry["reason"]) for entry in told if "reason" in entry]
        return reasons, str(error.get("message", ""))[:200]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [], ""
