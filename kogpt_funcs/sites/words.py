"""What the site says by itself, in Korean and English; the browser's language chooses. Stories are as they were
written.
"""

from __future__ import annotations

from kogpt_funcs.surfaces.language import ENGLISH, KOREAN, ranked

#: key: (Korean, English)
WORDS = {
    "library": ("릴레이 소설 서재", "The relay library"),
    "tagline": (
        "여럿이, 때로는 기계와 번갈아 한 대목씩 쓰는 이야기들입니다.",
        "Stories written in turns, by people and now and then by a machine.",
    ),
    "suite": ("한국어 글 함수", "Korean text functions"),
    "new": ("새 이야기", "New story"),
    "search": ("제목이나 글쓴이", "Title or author"),
    "find": ("찾기", "Search"),
    "all": ("모든 장르", "All genres"),
    "none": ("아직 이야기가 없습니다. 첫 이야기를 열어 보세요.", "No stories yet. Open the first one."),
    "nothing": ("찾는 이야기가 없습니다.", "Nothing found."),
    "parts": ("{n}대목", "{n} parts"),
    "newer": ("앞쪽", "Newer"),
    "older": ("뒤쪽", "Older"),
    "title": ("제목", "Title"),
    "genre": ("장르", "Genre"),
    "opening": ("첫 대목", "Opening"),
    "opening_hint": (
        "어디에서 누구에게 무슨 일이 일어나나요? 서너 문장이면 넉넉합니다.",
        "Where, who, and what happens? Three or four sentences will do.",
    ),
    "notes": ("메모", "Notes"),
    "notes_hint": (
        "인물과 장소처럼 잊으면 안 되는 것. 기계가 언제나 함께 읽습니다.",
        "People and places that must not be forgotten. The machine always reads them.",
    ),
    "author": ("필명", "Pen name"),
    "public": ("서재에 내놓기", "Show it in the library"),
    "public_hint": (
        "끄면 주소를 아는 사람만 읽고 씁니다.",
        "Otherwise only those who know the address can read and write.",
    ),
    "open": ("이야기 열기", "Open the story"),
    "back": ("서재", "Library"),
    "tree": ("갈래", "Branches"),
    "tree_title": ("갈래 나무", "The tree"),
    "fork": ("갈림길", "fork"),
    "tree_hint": (
        "대목을 누르면 거기까지 이어지는 이야기를 읽습니다.",
        "Choose a part to read the story that leads to it.",
    ),
    "export": ("내려받기", "Download"),
    "by_machine": ("기계", "machine"),
    "other_ways": ("여기서 갈라진 다른 이야기", "Other ways from here"),
    "branch_here": ("여기서 갈라 쓰기", "Branch from here"),
    "undo": ("되돌리기", "Take back"),
    "next": ("다음 대목", "The next part"),
    "placeholder": ("이어서 한 대목 써 보세요…", "Write what comes next…"),
    "send": ("올리기", "Add it"),
    "ask": ("기계에게 물어보기", "Ask the machine"),
    "ask_again": ("다시 물어보기", "Ask again"),
    "needs_script": (
        "쓰려면 JavaScript가 필요합니다. 읽기는 그대로 됩니다.",
        "Writing needs JavaScript. Reading does not.",
    ),
    "delete": ("이야기 지우기", "Delete the story"),
    "not_found": ("찾는 것이 없습니다", "Not here"),
    "trouble": ("지금은 보여 드릴 수 없습니다", "Not now"),
}

#: Those that the site's JavaScript says.
SCRIPT_WORDS = {
    "writing": (
        "‘{author}’ 님이 이 뒤를 쓰고 있습니다. {seconds}초 남았습니다.",
        "{author} is writing what comes next: {seconds} s left.",
    ),
    "thinking": ("기계가 쓰고 있습니다…", "The machine is writing…"),
    "pick": ("고르기", "Pick"),
    "edit": ("고쳐 쓰기", "Edit"),
    "refuse": ("버리기", "Refuse"),
    "no_candidates": (
        "이번에는 내놓을 만한 후보가 없습니다. 다시 물어보세요.",
        "Nothing worth showing this time. Ask again.",
    ),
    "grew": (
        "그사이 이야기가 이어졌습니다. 쓰던 글은 그대로 있고, 이제 새 대목 뒤에 붙습니다.",
        "The story went on meanwhile. Your text is still here and will now follow the new part.",
    ),
    "shrank": (
        "이어 쓰려던 대목이 되돌려졌습니다. 쓰던 글은 그대로 있습니다.",
        "The part you were following was taken back. Your text is still here.",
    ),
    "branching": ("‘{words}’ 뒤에서 갈라 씁니다.", "You are branching after “{words}”."),
    "cancel": ("그만두기", "Cancel"),
    "branch_instead": ("다른 갈래로 올리기", "Add it as a branch"),
    "follow_instead": ("새 대목 뒤에 올리기", "Add it after the new part"),
    "drafts": ("간직한 초고 {n}편", "Drafts kept: {n}"),
    "take": ("가져오기", "Use it"),
    "drop": ("버리기", "Drop it"),
    "sure_undo": ("이 대목을 되돌릴까요?", "Take this part back?"),
    "sure_delete": ("이야기를 통째로 지울까요? 되돌릴 수 없습니다.", "Delete the whole story? This cannot be undone."),
    "gone": ("글쓴이가 이야기를 거두어들였습니다.", "The author has taken the story back."),
    "offline": (
        "서버에 닿지 못했습니다. 쓴 글은 이 자리에 그대로 있습니다.",
        "The server cannot be reached. Your text is still here.",
    ),
    "names": (
        "느린 고래,푸른 연필,새벽 우체부,마루 밑 여우,졸린 등대,작은 나침반,비 오는 골목,오래된 지도,달밤의 "
        "자전거,숲속 사서",
        "Slow Whale,Blue Pencil,Dawn Postman,Sleepy Lighthouse,Little Compass,Rainy Alley,Old Map,Moonlit "
        "Bicycle,Forest Librarian",
    ),
}


def language(accepted: str) -> str:
    """ko or en, by an Accept-Language header: the first of the two that is named; Korean where neither is."""
    return next((tag[:2] for tag in ranked(accepted) if tag[:2] in (KOREAN, ENGLISH)), KOREAN)


def words(language: str) -> dict[str, str]:
    return {key: pair[language == "en"] for key, pair in WORDS.items()}


def script_words(language: str) -> dict[str, str]:
    return {key: pair[language == "en"] for key, pair in SCRIPT_WORDS.items()}
