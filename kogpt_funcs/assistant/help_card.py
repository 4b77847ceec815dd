"""What the companion can do, and who it is."""

from __future__ import annotations

import re

from kogpt_funcs.assistant.asked import Answer, Asked, squeezed

_HELP = re.compile(
    r"(?:도움말|사용법|사용방법|이용방법|기능|명령어|help|메뉴얼|매뉴얼)(?:(?:좀)?(?:이|은|을)?(?:뭐야|뭐예요|"
    r"알려줘|알려주세요|보여줘|보여주세요|설명해줘|있어|있나요))?|"
    r"(?:너|넌|너는|네가|니가|여기서|당신은|할수있는)?(?:뭐|뭘|무엇을|어떤걸|어떤것을|무슨일을|어떤일을|"
    r"뭐뭐)(?:를)?(?:할수있어|할수있니|할수있나요|할수있어요|할줄알아|할줄아니|할줄아나요|해줄수있어|"
    r"해줄수있니|해줄수있나요|도와줄수있어|도와줄수있니)|"
    r"(?:너|넌)?할수있는(?:게|것이|거|일이|걸)?(?:뭐야|뭐니|뭐예요|뭐가있어|뭐있어|알려줘)|어떻게(?:쓰는거야|"
    r"써|쓰면돼|사용해|사용하는거야|사용해요|이용해|쓰나요|써요)",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"(?:너|넌|너는|네|니|당신은|당신|그쪽은|그쪽|넌대체|너대체)?(?:(?:의)?이름(?:이|은)?(?:뭐야|뭐예요|뭐에요|"
    r"뭐니|뭐냐|뭔데|무엇인가요|뭔가요|알려줘|알려주세요|있어)|(?:누구야|누구니|누구세요|누구예요|누구에요|"
    r"누구냐|뭐하는애야|정체가뭐야))"
)


def card(asked: Asked) -> Answer | None:
    """`도움말`, `뭐 할 수 있어?`; `너 이름이 뭐야?`."""
    text = squeezed(asked.message)
    if _HELP.fullmatch(text):
        return Answer("help", _card(asked.name))
    if _WHO.fullmatch(text):
        who = (
            f"저는 {asked.name}{'이에요' if _closed(asked.name) else '예요'}."
            if asked.name
            else "저는 아직 이름이 없어요."
        )
        return Answer("help", f"{who} 한국어로 이야기를 나누는 작은 프로그램이고, 사람은 아니에요.")
    return None


def _card(name: str) -> str:
    return "\n".join(
        (
            f"{f'{name}와' if name and not _closed(name) else f'{name}과' if name else '저와'} 편하게 이야기를 "
            f"나눌 수 있어요. 오늘 있었던 일이나 마음에 걸리는 일을 적어 보세요.",
            "이런 것도 물어볼 수 있어요.",
            "· 시간과 날짜: 지금 몇 시야? / 내일 무슨 요일이야?",
            "· 날씨: 부산 날씨 어때? / 내일 제주 날씨 알려 줘",
            "· 주가: 삼성전자 주가 알려 줘",
            "· 로또: 로또 번호 뽑아 줘",
            "한글 대신 영문 자판으로 쳐도 알아들어요. (dkssud → 안녕)",
        )
    )


def _closed(name: str) -> bool:
    """Does the name end in a consonant? Latin letters are taken for open."""
    return bool(name) and "가" <= name[-1] <= "힣" and (ord(name[-1]) - ord("가")) % 28 != 0
