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
    "examples": ("예시: 누르면 채워서 실행합니다", "Examples: press one to fill it in and run it"),
    "waiting": ("답은 여기에 나옵니다.", "The answer appears here."),
    "none": ("없음", "None"),
    "alone": ("따로 열기", "open alone"),
    "copy": ("복사", "Copy"),
    "keys": ("를 눌러도 실행합니다.", "runs it too."),
    "share": ("링크 복사", "Copy the link"),
    "calls": ("이 입력으로 API 부르기", "Call the API with this input"),
    "visit": ("이번 방문에 받은 답", "Answers of this visit"),
    "visit_where": (
        "이 브라우저 탭에만 있고, 탭을 닫으면 사라집니다. 누르면 그때의 입력을 다시 채웁니다.",
        "They are in this browser tab alone and go when it is closed. Press one to fill in its input again.",
    ),
    "many": ("파일로 여러 개 한꺼번에", "Many at once, from a file"),
    "many_about": (
        "표 파일의 한 열을 읽어 행마다 실행하고, 답을 더한 표를 돌려 드립니다. {2} 파일을 {0} MB, {1}행까지 받습니다.",
        "Reads a column of a file, answers each row, and gives the table back with the answers. {2}; at most {0} MB and"
        " {1} rows.",
    ),
    "file": ("표 파일", "File"),
    "column_main": ("이 열의 글을 행마다 읽습니다.", "Its text is read, row by row."),
    "column_else": ("고르지 않으면 위 양식의 값을 씁니다.", "If none is chosen, the form above says it."),
    "column_date": ("열: 날짜", "Column: date"),
    "date_info": ("고르면 시간에 따라 그려 보여 줍니다.", "If one is chosen, the course over time is drawn."),
    "run_all": ("모두 실행", "Run all"),
    "download": ("결과 내려받기", "Download the result"),
    "rows_done": ("{1}행 가운데 {0}행", "{0} of {1} rows"),
    "rows_bad": ("답하지 못한 행 {0}개", "{0} without an answer"),
    "row_bad": ("{0}행: {1}", "Row {0}: {1}"),
    "rows_stopped": (
        "멈췄습니다. 여기까지 한 것을 내려받을 수 있습니다.",
        "Stopped. What is done so far can be downloaded.",
    ),
    "minutes_left": ("{0}분쯤 남음", "about {0} min left"),
    "soon_done": ("곧 끝남", "nearly done"),
    "over_time": ("시간에 따라", "Over time"),
    "by_month": ("달마다", "By month"),
    "month": ("달", "Month"),
    "entries": ("글", "Texts"),
    "most": ("가장 많은 것", "Most often"),
    "no_dates": ("고른 열에 날짜로 읽을 수 있는 것이 없습니다.", "The chosen column holds no dates."),
    "progress": ("진행", "Progress"),
    "forget": ("모두 지우기", "Forget them"),
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
    "link_copied": ("링크를 복사했습니다.", "The link is copied."),
    "link_cut": (
        "링크를 복사했습니다. 너무 긴 글은 링크에 담지 못했습니다.",
        "The link is copied, without the texts that are too long for one.",
    ),
    "counted": ("{n} / {most}자", "{n} of {most} characters"),
    "too_large": (
        "{name}은(는) 너무 큽니다. {most} MB까지 받습니다. 파일을 나누거나 kogpt map 명령을 쓰세요.",
        "{name} is too large: {most} MB is the limit. Split it, or use the kogpt map command.",
    ),
    "again": ("이 입력 다시 채우기", "Fill in this input again"),
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
