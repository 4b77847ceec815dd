"""What the page says by itself, in Korean and English. What a function says comes from the function."""

from __future__ import annotations

from html import escape
from typing import Any

from gradio.i18n import I18n, I18nData

_BLANK = "\N{NO-BREAK SPACE}"
#: key: (Korean, English)
WORDS = {
    "suite": ("한국어 글 함수", "Korean text functions"),
    "subtitle": (
        "글을 쓰고 단추를 누르면, 이 컴퓨터 안의 작은 언어 모델이 답합니다.",
        "Write a text and press the button: a small language model on this machine answers.",
    ),
    "run": ("실행", "Run"),
    "stop": ("멈춤", "Stop"),
    "sampling": ("세밀한 설정", "Fine settings"),
    "examples": ("예시: 누르면 채워집니다", "Examples: press one to fill it in"),
    "waiting": ("답은 여기에 나옵니다.", "The answer appears here."),
    "none": ("없음", "None"),
    "alone": ("따로 열기", "open alone"),
    "copy": ("복사", "Copy"),
    "unsure": ("뚜렷하지 않음", "Not clear"),
    "likeliest": ("가장 가까운 것", "Closest"),
    "less_sure": ("덜 뚜렷한 것 {n}개", "Less certain: {n}"),
    "broken": (
        "이 컴퓨터의 설정이나 모델 파일에 문제가 있습니다. 운영하는 분에게 알려 주세요.",
        "Something is wrong with this machine's settings or model files. Please tell whoever runs it.",
    ),
    "lines": ("한 줄에 하나씩 적습니다.", "One a line."),
    "json": ("JSON으로 적습니다.", "Written as JSON."),
    "not_json": ("JSON으로 읽을 수 없습니다. 예: {example}.", "This is not JSON. An example: {example}."),
    "stories": ("릴레이 소설 서재", "The relay library"),
    "also": ("같은 함수를 프로그램에서도 부를 수 있습니다:", "Programs can call the same functions:"),
}
#: What the page's scripts say.
SCRIPT_WORDS = {
    "copied": ("복사됨", "Copied"),
    "not_copied": ("복사하지 못했습니다", "Could not copy"),
}


class Dictionary:
    """Collects the page's labels while it is built; `i18n()` hands them to the browser, which picks the language."""

    def __init__(self) -> None:
        self._korean: dict[str, str] = {}
        self._english: dict[str, str] = {}

    def say(self, korean: str, english: str) -> I18nData:
        """One label in both languages. For an empty translation Gradio would show the key, so it is a blank."""
        korean, english = korean or _BLANK, english or _BLANK
        key = f"kogpt{len(self._korean)}"
        self._korean[key], self._english[key] = korean, english
        return I18nData(key)

    def word(self, key: str) -> I18nData:
        return self.say(*WORDS[key])

    def i18n(self) -> I18n:
        return I18n(ko=self._korean, en=self._english)


def both(said: tuple[str, str]) -> str:
    """HTML that shows one of two plain texts, Korean and English, by the page's language (see head.py)."""
    korean, english = (text(words) for words in said)
    if korean == english:
        return korean
    return f'<span lang="ko">{korean}</span><span lang="en">{english}</span>'


def word(key: str) -> str:
    """A word of the table as HTML in both languages."""
    return both(WORDS[key])


def text(value: Any) -> str:
    """A value as HTML; a lone surrogate in it, which cannot travel, is replaced."""
    said = f"{value:.3g}" if isinstance(value, float) else str(value)
    return escape(said.encode("utf-8", "replace").decode())
