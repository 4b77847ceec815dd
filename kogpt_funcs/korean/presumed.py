"""What a reply takes for granted though nobody has said it: people, places, matters and figures. It knows no model.

A table of what such replies get wrong, no grammar: what it does not know passes.
"""

from __future__ import annotations

import re

_EDGE = r"(?<![가-힣])"
#: What a reply may only speak of (left) where the talk has one of the words on the right, or the same words.
_MATTERS = [
    (re.compile(reply), re.compile(f"{reply}|{talk}"))
    for reply, talk in (
        (r"엄마|어머니|어머님|모친", r"부모|가족|장모|친정|임신|기일|제사"),
        (r"아빠|아버지|아버님|부친", r"부모|가족|기일|제사"),
        (r"남편|아내|와이프|신랑|부부|배우자", r"결혼|이혼|시댁|시어머니|처가|장모|육아"),
        (
            rf"{_EDGE}(?:아이|아기|애기|따님|아드님|딸|아들)(?![가-힣]*(?:스|고|디어|돌|폰|패드|템))(?!기)",
            r"아이|딸|아들|육아|임신|유치원|출산|둘째|첫째|조카",
        ),
        (r"할머니|할아버지|손주|손자|손녀", r"가족|시골|조부모"),
        (
            rf"{_EDGE}(?:동생|언니|오빠|누나|형)(?:이|은|가|도|한테|랑|과|와)?(?![가-힣])",
            r"동생|언니|오빠|누나|형|가족|남매|자매",
        ),
        (r"친구가|친구는|친구도|그 친구", r"친구|절친|단톡|동창|걔|모임"),
        (
            r"남자친구|여자친구|남친|여친|애인|연인|그 사람(?:이|은)",
            r"사귀|헤어|고백|썸|좋아하는|이별|차였|데이트|소개팅|사람",
        ),
        (
            r"팀장|부장|과장|상사|사장|대표|동료|후배|선배|윗사람",
            r"회사|직장|출근|퇴근|업무|회식|입사|퇴사|야근|부서|알바|일이",
        ),
        (r"선생님|담임|교수|조교", r"학교|학원|수업|유치원|대학|과제|시험|반에|병원|의사|치과|상담|레슨"),
        (
            r"교실|짝꿍|반 친구|시험지|과목|필기|수업|등교|급식|숙제|문제집|학교",
            r"시험|공부|학생|학원|수능|성적|과제|자격증|수학|영어|대학|전학|입학|졸업|면허",
        ),
        (
            r"회사|출근|퇴근|사무실|회의|보고서|야근|직장|사직서|첫 출근|월급|명함",
            r"팀장|부장|상사|일이|업무|면접|취업|취직|입사|퇴사|사표|알바|승진|이직|동료|회식|발표|월요일",
        ),
        (r"군대|부대|훈련소|휴가 나", r"입대|전역|군인"),
        (r"공항|비행기|여권|시차|이민", r"여행|해외|외국|유학|출장|비행"),
        (r"수술|입원|퇴원|검사 결과|진단|회진|병실", r"병원|아프|아파|암|다쳐|다쳤|치료|의사|건강|재검|임신"),
        (r"장례|빈소|영정|돌아가|기일|제사|떠나보내", r"죽|장례|돌아가|무지개다리|하늘나라|사별|보고 싶"),
        (r"결혼식|드레스|웨딩|축가|신혼|청첩장", r"결혼|약혼|프러포즈"),
        (r"강아지|반려견|산책 줄|멍멍", r"강아지|개가|개를|우리 개|댕댕|짖"),
        (r"고양이|냥이|캣|그루밍", r"고양이|야옹|집사"),
        (r"시댁|시어머니|시누|처가|장모", r"결혼|남편|아내|명절"),
        (r"집주인|월세|전세|이삿짐|계약서|시세", r"이사|자취|집값|집을|방을|부동산|원룸"),
        (r"다이어트|뱃살|체중|몸무게", r"살이|살을|운동|킬로|먹|헬스"),
        (r"수유|기저귀|이유식|산후", r"아기|출산|임신|신생아|육아"),
        (r"정거장|정류장|환승", r"버스|지하철|전철|종점|기차"),
        (r"이별|헤어진|헤어지|차인", r"헤어|이별|차였|전 남|전 여|떠나|이혼|끝내|은퇴"),
        (r"사기|신고|경찰", r"사기|도둑|훔쳐|잃어버|협박|범죄|폭행|스토|때렸|때리"),
        (r"면접|합격|서류", r"면접|취업|합격|시험|발표|지원|입사"),
        (r"마라톤|완주", r"마라톤|달리기|뛰|완주"),
        (r"생일|미역국", r"생일"),
    )
]
_FIGURE = re.compile(
    r"(?:\d+|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|스무|서른|마흔|쉰)(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉)?\s?"
    r"(?:살|년|개월|달|학년|등|점|킬로|만 원|시간이나|주 동안|시(?=[에까부\s]))|일 년|반년|이틀|사흘|나흘|일주일"
)
_ONCE = re.compile(r"한 (?:시|점|달|년)|10분|5분")
#: A question that has been answered where the words on the right have been said.
_KNOWN = [
    (re.compile(question), re.compile(said))
    for question, said in (
        (r"이름[이은]?\s?(?:뭐|무엇|어떻게)", r"이름은|이름이|라고 (?:불러|지었|해요)"),
        (r"몇 살", r"살이|살인|살 된|개월"),
        (
            r"언제(?!나|든|까지나)|며칠|몇 시|날짜",
            r"내일|모레|오늘|어제|요일|주말|다음 ?주|다음 ?달|지난|방금|\d+월|\d+일|\d+시|[한두세네섯] ?시",
        ),
        (r"몇 (?:년|달|킬로)", r"\d+ ?(?:년|달|킬로)|년 (?:만|동안|째)|킬로"),
    )
]


def presumes(reply: str, talk: str) -> bool:
    """Does `reply` speak of somebody, something or a figure that `talk`, all that was said so far, knows nothing of?"""
    if any(theirs.search(reply) and not ours.search(talk) for theirs, ours in _MATTERS):
        return True
    figures = {found[0].replace(" ", "") for found in _FIGURE.finditer(_ONCE.sub("", reply))}
    said = talk.replace(" ", "")
    return any(figure not in said for figure in figures)


def asks_what_was_said(reply: str, talk: str) -> bool:
    """Does `reply` ask for a name, an age or a day that the person has told already?"""
    return any(question.search(reply) and told.search(talk) for question, told in _KNOWN)
