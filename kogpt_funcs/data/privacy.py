"""Takes out of a text what leads to a person: addresses, e-mails, numbers, mentions. By pattern: names in prose
stay.
"""

from __future__ import annotations

import re

#: A name called out with @.
MENTION = re.compile(r"(?<![\w.#])@[\w.·-]+")

_DATE = r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DOMAIN = r"(?:[a-z0-9-]+\.)+(?:com|net|org|kr|io|me|tv|gg|ly|be|co|biz|info|shop|site|xyz|app|dev|link)"
#: Kind → pattern, in the order of taking out: an e-mail holds a domain, a card number looks like an account.
_PATTERNS = {
    "email": re.compile(r"[\w.+-]+@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+"),
    "url": re.compile(
        rf"(?:https?://|www\.)[^\s가-힣]+|(?<![\w@.-]){_DOMAIN}(?![\w-])(?:/[^\s가-힣]*)?", re.IGNORECASE | re.ASCII
    ),
    "resident_number": re.compile(rf"(?<!\d){_DATE}\s?-\s?[1-8][\d*]{{6}}(?![\d*])|(?<!\d){_DATE}[1-8]\d{{6}}(?!\d)"),
    "phone": re.compile(
        r"(?<![\d-])(?:\+?82[-. ]?0?1[016789]|01[016789]|\+82[-. ]?[2-6]\d?|0(?:2|[3-6]\d|70|50\d?))"
        r"(?:\)|[-. ]|\) )?\d{3,4}[-. ]?\d{4}(?!\d)"
    ),
    "account": re.compile(
        r"(?<![\d-])(?=(?:\d-?){10,20}(?![\d-]))\d{2,6}(?:-\d{2,7}){1,4}(?![\d-])|(?<!\d)\d{10,}(?!\d)"
    ),
    "mention": MENTION,
}


def without_personal_data(text: str) -> tuple[str, list[str]]:
    """`text` without personal data, and which kinds there were."""
    found = []
    for kind, pattern in _PATTERNS.items():
        text, count = pattern.subn(" ", text)
        if count:
            found.append(kind)
    return text, found
