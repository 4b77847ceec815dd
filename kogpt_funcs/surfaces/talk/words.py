"""What the bubbles say by themselves, in Korean and English; the browser's language chooses."""

from __future__ import annotations

#: key: (Korean, English)
WORDS = {
    "suite": ("한국어 글 함수", "Korean text functions"),
    "forget": ("대화 지우기", "Clear the talk"),
    "cleared": ("대화를 지웠습니다.", "The talk is cleared."),
    "undo": ("되돌리기", "Undo"),
    "settings": ("설정", "Settings"),
    "sampling": ("세밀한 설정", "Fine settings"),
    "unset": ("정하지 않음", "Not set"),
    "try": ("이렇게 말을 걸어 보세요.", "Try one of these."),
    "private": (
        "나눈 말은 이 브라우저에만 남고, 서버는 기억하지 않습니다.",
        "What is said stays in this browser; the server remembers nothing.",
    ),
    "send": ("보내기", "Send"),
    "stop": ("멈춤", "Stop"),
    "copy": ("복사", "Copy"),
    "copied": ("복사했습니다.", "Copied."),
    "retry": ("다른 대답", "Another answer"),
    "listen": ("소리로 듣기", "Read aloud"),
    "quiet": ("소리 멈추기", "Stop reading"),
    "dictate": ("말로 적기", "Dictate"),
    "hearing": ("듣고 있습니다. 다시 누르면 멈춥니다.", "Listening. Press again to stop."),
    "deaf": (
        "말소리를 받아 적지 못했습니다. 마이크 사용을 허락했는지 확인해 주세요.",
        "Nothing could be heard. Please check that the microphone is allowed.",
    ),
    "writing": ("쓰고 있습니다", "Writing"),
    "offline": (
        "서버에 닿지 않습니다. 잠시 뒤에 다시 보내 주세요.",
        "The server cannot be reached. Please try again in a moment.",
    ),
    "broken": ("대답이 중간에 끊겼습니다. 다시 보내 주세요.", "The answer broke off. Please send it again."),
    "kst": ("한국 시간", "Korean time"),
    "talk": ("대화", "The talk"),
}


def words(spoken: str) -> dict[str, str]:
    """Every word in `ko` or `en`."""
    return {key: said[spoken == "en"] for key, said in WORDS.items()}
