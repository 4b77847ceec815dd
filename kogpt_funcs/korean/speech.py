"""해요체 as 반말, for sentences that were written for it: endings, pronouns, honorifics. It knows no model.

It is a table, no grammar: what it does not know stays as it is.
"""

from __future__ import annotations

import re

_RULES = [
    (re.compile(pattern), casual)
    for pattern, casual in (
        (r"저는(?![가-힣])", "나는"),
        (r"저도(?![가-힣])", "나도"),
        (r"저야말로", "나야말로"),
        (r"제가(?![가-힣])", "내가"),
        (r"저와(?![가-힣])", "나와"),
        (r"저를(?![가-힣])", "나를"),
        (r"저한테", "나한테"),
        (r"저에게", "나에게"),
        (r"제게(?![가-힣])", "내게"),
        (r"(?<![가-힣])제(?=\s(?:말|이야기|마음|생각))", "내"),
        (r"당신", "너"),
        (r"계세요", "있어"),
        (r"계신가요", "있어"),
        (r"계실", "있을"),
        (r"계시", "있"),
        (r"하세요", "해"),
        (r"주세요", "줘"),
        (r"보세요", "봐"),
        (r"드릴게요", "줄게"),
        (r"드려요", "줘"),
        (r"으셨", "었"),
        (r"하셨", "했"),
        (r"되셨", "됐"),
        (r"보셨", "봤"),
        (r"오셨", "왔"),
        (r"가셨", "갔"),
        (r"나셨", "났"),
        (r"하시", "하"),
        (r"주시(?=[면고는])", "주"),
        (r"(?<=[가-힣])이에요", "이야"),
        (r"(?<=[가-힣])예요", "야"),
        (r"아니에요", "아니야"),
        (r"세요(?=[.!?~…,)’\s]|$)", "어"),
        (r"죠(?=[.!?~…,)\s]|$)", "지"),
        (r"(?<=[가-힣])나요(?=[.!?~…,)\s]|$)", "니"),
        (r"(?<=[가-힣])인가요", "이야"),
        (r"(?<=[가-힣])요(?=[.!?~…,)’\s]|$)", ""),
    )
]


_HONORIFICS = re.compile(
    r"세요|시겠|시네|시는|시지|시죠|시군|시니|시면|시고|시도|시길|시게|시려|실(?:까|\s|\?)|신\s|셨|드리|드릴|드려|께|계신|계실|님|여쭈|모시|[가-힣]십"
)


def has_honorifics(text: str) -> bool:
    """Does `text` raise the one it speaks to, so that dropping its endings does not make 반말 of it?"""
    return bool(_HONORIFICS.search(text))


def casual(text: str) -> str:
    """`text` in 반말: `무슨 일인지 들려주세요.` → `무슨 일인지 들려줘.`"""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


_POLITE_END = re.compile(r"(?:요|다|까|죠|네|래|지)[.!?~…ㅎㅋ]*$")
_POLITE = re.compile(r"요[.!?~…,]*(?:\s|$)|니다|니까")


def speaks(text: str, speech: str) -> bool:
    """Is `text` in 존댓말, its last sentence at least; or in 반말, with nothing polite in it?"""
    if speech == "반말":
        return not _POLITE.search(text)
    return bool(_POLITE.search(text) and _POLITE_END.search(text))
