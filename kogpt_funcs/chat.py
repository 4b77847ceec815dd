"""대화: talk with a warm companion that also knows the time, the weather and more."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Optional

from pydantic import BaseModel, Field

from kogpt_funcs import assistant, models
from kogpt_funcs.assistant import sentences
from kogpt_funcs.assistant.fitting import fitting, whole
from kogpt_funcs.assistant.listening import listening
from kogpt_funcs.assistant.persona import Persona, Speech
from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.contract.fields import Sampling
from kogpt_funcs.contract.talk import Talk
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.crisis import speaks_of_suicide
from kogpt_funcs.korean.keyboard import repaired
from kogpt_funcs.korean.presumed import asks_what_was_said, presumes
from kogpt_funcs.korean.speech import casual, has_honorifics, speaks
from kogpt_funcs.korean.stems import stems
from kogpt_funcs.korean.text import clean, required
from kogpt_funcs.models import Example, Generation, Special, retrieval
from kogpt_funcs.models.retrieval import Found

Emotion = Literal["일상", "기쁨", "불안", "슬픔", "분노", "우울"]
Source = Literal["model", "retrieval", "time", "date", "weather", "stock", "lotto", "help", "safety"]

_ANYTHING = "그냥 그래요."  # a message that says nothing
_OF_ANYWHERE = 0.5  # how much it counts against a reply that it fits anything
_OF_MEANING = 2.0  # how much likeness in meaning counts beside a nat a token
_CERTAIN = 0.9  # a written reply is given at once from this likeness on
_NEAR, _NEAR_LATER = 0.5, 0.6  # from these a written reply may be given where the base has no adapter for talk
_GOOD, _GOOD_LATER = 0.0, -0.1  # what a written reply must be worth, first and in a talk under way
_GOOD_OWN = 1.6  # and what the model writes: as people read it, most of it misses the matter
_RANKED = 12  # written replies that are ranked by the model
_CANDIDATES = 4  # replies that the model writes to choose from
_TURNS = 8  # of the talk, that the model sees at most
_CHARACTERS = 800  # of those turns, likewise
_SEARCHED = 40  # written replies that are looked at
_LONGEST = 2000  # characters of a turn
_KEPT = 200  # turns of a history that are given back


class Turn(BaseModel):
    role: Literal["user", "assistant"] = Field(
        ..., title="누구", examples=["user"], description="user는 사람, assistant는 말벗입니다."
    )
    content: str = Field(
        ...,
        max_length=_LONGEST,
        title="말",
        examples=["안녕"],
        description="한 차례에 한 말입니다. 2,000자까지 받습니다.",
    )


class ChatInput(Sampling):
    message: str = Field(
        ...,
        min_length=1,
        max_length=1000,
        title="할 말",
        examples=["요즘 잠이 잘 안 와요."],
        description="말벗에게 할 말입니다. 시간, 날씨, 주가도 물어볼 수 있습니다. 1,000자까지 받습니다.",
    )
    history: list[Turn] = Field(
        [],
        title="지난 대화",
        examples=[[]],
        description="지금까지 나눈 말입니다. 답에 들어 있는 history를 그대로 다시 보내면 대화가 이어집니다. "
        "서버는 아무것도 기억하지 않습니다.",
    )
    emotion: Optional[Emotion] = Field(
        None,
        title="감정",
        examples=["불안"],
        description="할 말에 담긴 감정입니다. 비우면 스스로 읽습니다.",
    )
    persona: str = Field(
        "",
        max_length=200,
        title="말벗",
        examples=["이름은 토리, 반말로 말해 줘."],
        description="말벗의 이름과 말투입니다. 비우면 이름 없이 존댓말로 말합니다. 200자까지 받습니다.",
    )
    temperature: float = Field(
        0.6,
        ge=0.0,
        le=2.0,
        title="온도",
        examples=[0.6],
        description="높을수록 뜻밖의 대답이, 낮을수록 무난한 대답이 나옵니다. 미리 써 둔 대답에는 영향을 "
        "주지 않습니다.",
    )
    repetition_penalty: float = Field(
        1.0,
        ge=1.0,
        le=2.0,
        title="반복 억제",
        examples=[1.0],
        description="1보다 클수록 이미 나온 토큰을 덜 씁니다. 상대의 말을 받아 주려면 1이 알맞습니다.",
    )


class ChatOutput(BaseModel):
    reply: str = Field(..., title="대답", description="말벗의 대답입니다.")
    emotion: Emotion = Field(..., title="감정", description="할 말에서 읽은 감정, 또는 받은 감정입니다.")
    source: Source = Field(
        ...,
        title="출처",
        description="model은 모델이 쓴 말, retrieval은 사람들의 비슷한 말에 미리 써 둔 대답, safety는 정해 둔 "
        "안내이고, 나머지는 정보의 종류입니다.",
    )
    understood: Optional[str] = Field(
        None, title="알아들은 말", description="영문 자판으로 친 한글을 고쳐 읽은 것입니다. 고치지 않았으면 null입니다."
    )
    score: Optional[float] = Field(
        None, title="비슷한 정도", description="미리 써 둔 대답을 골랐을 때, 원래 말과 얼마나 비슷한지입니다(최대 1)."
    )
    history: list[Turn] = Field(
        ...,
        title="대화",
        description="받은 대화에 이번에 오간 두 마디를 더한 것입니다. 오래된 것부터 200마디까지만 남깁니다.",
    )


EXAMPLES = [
    {"message": "요즘 잠이 잘 안 와요."},
    {"message": "나 드디어 취직했어!", "persona": "이름은 토리, 반말로 말해 줘."},
    {"message": "로또 번호 추천해 줘.", "seed": 7},
    {"message": "dk rkqwkrl gksrmfdl dkscuwu"},
    {
        "message": "네, 내일까지 내야 해요.",
        "history": [
            {"role": "user", "content": "보고서를 아직 못 썼어요."},
            {"role": "assistant", "content": "마음이 급하시겠어요. 언제까지 내야 해요?"},
        ],
    },
]
TALK = Talk(message="message", history="history", reply="reply", system="persona")

LABELS = {
    "model": "새로 쓴 대답",
    "retrieval": "미리 써 둔 대답",
    "time": "시각",
    "date": "날짜",
    "weather": "날씨",
    "stock": "주가",
    "lotto": "로또",
    "help": "도움말",
    "safety": "안전",
    "user": "나",
    "assistant": "말벗",
}

ENGLISH = {
    "title": "Chat",
    "description": "Say what you like, and a warm companion answers. It also tells the time, the date, the "
    "weather, share prices and lottery numbers.",
    "input": {
        "message": (
            "Message",
            "What you say to the companion, in Korean. The time, the weather and share prices may be asked "
            "for, too. Up to 1,000 characters.",
        ),
        "history": (
            "History",
            "What was said so far. Send the history of an answer back as it is, and the talk goes on. The "
            "server remembers nothing.",
        ),
        "history.role": ("Who", "user is the person, assistant the companion."),
        "history.content": ("Words", "What was said in one turn. Up to 2,000 characters."),
        "emotion": ("Emotion", "The emotion of the message. Left empty, it is read from the message."),
        "persona": (
            "Companion",
            "The companion's name and way of speaking, in Korean. Left empty, it has no name and is polite. Up "
            "to 200 characters.",
        ),
        "temperature": (
            "Temperature",
            "Higher gives more surprising replies, lower more ordinary ones. Replies written beforehand do not change.",
        ),
        "repetition_penalty": (
            "Repetition penalty",
            "Above 1, tokens that were written before are used less. 1 suits replies that take up what was said.",
        ),
    },
    "output": {
        "reply": ("Reply", "What the companion says."),
        "emotion": ("Emotion", "The emotion read from the message, or the one given."),
        "source": (
            "Source",
            "model: written by the model. retrieval: written beforehand for a message like this one. safety: "
            "fixed advice. The others: what kind of information it is.",
        ),
        "understood": (
            "Understood as",
            "Korean that was typed on the English keyboard layout, put right. null where nothing was.",
        ),
        "score": (
            "Likeness",
            "Of a reply written beforehand: how like the message it was written for is to this one, up to 1.",
        ),
        "history": ("History", "The history given with these two turns added; the last 200 turns are kept."),
        "history.role": ("Who", "user is the person, assistant the companion."),
        "history.content": ("Words", "What was said in one turn."),
    },
    "labels": {
        "일상": "Everyday",
        "기쁨": "Joy",
        "불안": "Anxiety",
        "슬픔": "Sadness",
        "분노": "Anger",
        "우울": "Depression",
        "model": "Written now",
        "retrieval": "Written beforehand",
        "time": "Time",
        "date": "Date",
        "weather": "Weather",
        "stock": "Share price",
        "lotto": "Lottery",
        "help": "Help",
        "safety": "Safety",
        "user": "You",
        "assistant": "Companion",
    },
}


def chat(input: ChatInput) -> ChatOutput:
    """대화

    하고 싶은 말을 적으면 말벗이 따뜻하게 답합니다. 시간, 날짜, 날씨, 주가, 로또 번호도 물어볼 수 있습니다.
    """
    *_, last = stream(input)
    return last


def stream(input: ChatInput) -> Iterator[ChatOutput]:
    """The reply: at once where it needs no model, else growing; the last output has the best of several."""
    heard = Heard(input)
    if found := _fixed(heard):
        yield found
        return
    heard.read_emotion()
    written = _retrieved(heard)
    if written and written[0].score >= _CERTAIN:
        yield heard.output(written[0].entry.reply, "retrieval", written[0].score)
        return
    try:
        if best := _ranked(heard, written):
            yield best
            return
        replies: list[str] = []
        for replies in _written(heard):
            yield heard.output(replies[0], "model")
        yield _own(heard, replies) or heard.listening()
    except CheckpointError:  # a base without an adapter for talk: an honest word
        yield heard.output(heard.no_answer(), "model")


class Heard:
    """What is known of the message before it is answered."""

    def __init__(self, input: ChatInput) -> None:
        self.input = input
        self.typed = required(input.message, "message")
        self.understood = repaired(self.typed)
        self.message = self.understood or self.typed
        self.persona = Persona.read(input.persona)
        self.talk = _talk(input.history)
        self.emotion: Emotion = input.emotion or "일상"
        self.emotions: dict[str, float] = {self.emotion: 1.0}

    def read_emotion(self) -> None:
        """Reads the emotion of the message, unless it was given."""
        if not self.input.emotion:
            read = registry.ask("classify_emotion", text=self.message[:1000])
            self.emotion = read.label
            self.emotions = {share.label: share.probability for share in read.probabilities}

    def spoken(self, text: str) -> str:
        """A sentence of ours in the companion's speech."""
        return casual(text) if self.persona.speech == "반말" else text

    def no_answer(self) -> str:
        """An honest word that the companion has none, not twice running the same."""
        said = [self.spoken(text) for text in sentences.NO_ANSWER]
        return next((text for text in said if text not in self.talk[1::2]), said[0])

    def listening(self) -> ChatOutput:
        """What a listener says where nothing better fits, not twice in a talk the same."""
        rng = random.Random(f"{self.input.seed} {self.message}")
        found = (self.spoken(text) for text in listening(self.message, self.emotions, rng))
        reply = next((text for text in found if text not in self.talk[1::2]), self.no_answer())
        return self.output(reply, "retrieval")

    def output(
        self, reply: str, source: Source, score: float | None = None, emotion: Emotion | None = None
    ) -> ChatOutput:
        turns = [
            *self.input.history,
            Turn(role="user", content=self.typed),
            Turn(role="assistant", content=reply[:_LONGEST]),
        ]
        return ChatOutput(
            reply=reply,
            emotion=self.input.emotion or emotion or self.emotion,
            source=source,
            understood=self.understood,
            score=score,
            history=turns[-_KEPT:],
        )


def _fixed(heard: Heard) -> ChatOutput | None:
    """What needs no model: safety first, then what is asked of the assistant."""
    if speaks_of_suicide(heard.typed) or speaks_of_suicide(heard.message):
        return heard.output(sentences.CRISIS, "safety", emotion="우울")
    if is_abusive(heard.message):
        return heard.output(heard.spoken(sentences.calm(heard.message)), "safety", emotion="분노")
    if found := assistant.answer(heard.message, heard.persona.name, random.Random(heard.input.seed)):
        return heard.output(heard.spoken(found.text), found.source)
    if heard.talk and heard.talk[-1] == " ".join(sentences.CRISIS.split()):
        return heard.output(heard.spoken(sentences.AFTER_CRISIS), "safety", emotion="우울")
    return None


def _talk(history: list[Turn]) -> list[str]:
    """The turns as text, the user's and the companion's in turn, the user's first, the companion's last. What one of
    them says twice running is one turn; an unanswered turn of the user at the end is left out.
    """
    said: list[tuple[str, str]] = []
    for turn in history:
        text = " ".join(clean(turn.content).split())
        text = (repaired(text) or text) if turn.role == "user" else text
        if text and said and said[-1][0] == turn.role:
            text = f"{said.pop()[1]} {text}"
        if text:
            said.append((turn.role, text))
    first = 1 if said and said[0][0] == "assistant" else 0
    last = len(said) - (1 if said and said[-1][0] == "user" else 0)
    return [text for _, text in said[first:last]]


def _retrieved(heard: Heard) -> list[Found]:
    """The written replies that may be said here, in the companion's speech, the likeliest to fit first."""
    before = heard.talk[-2] if heard.talk else ""
    with retrieval.using() as index:
        found = index.search(heard.message, heard.emotions, before=before, count=_SEARCHED)
    spoken = [f for f in (_in_speech(one, heard.persona.speech) for one in found) if f]
    sayable = set(_fitting(heard, (f.entry.reply for f in spoken)))
    return [f for f in spoken if f.entry.reply in sayable]


def _fitting(heard: Heard, replies: Iterable[str]) -> list[str]:
    """Those that may be said, and take nothing for granted that the person has not said."""
    own = " ".join([*heard.talk[::2], heard.message])
    return [
        reply
        for reply in fitting(replies, heard.talk[1::2], heard.message)
        if not presumes(reply, own) and not asks_what_was_said(reply, own)
    ]


def _ranked(heard: Heard, written: list[Found]) -> ChatOutput | None:
    """Of the written replies the one that the talk makes likeliest; None where none is good."""
    near = [found for found in written[:_RANKED] if found.score >= _NEAR]
    try:
        worths = worth(heard, [found.entry.reply for found in near], [found.rank for found in near])
    except CheckpointError:
        return _nearest(heard, written)
    best, place = max(zip(worths, range(len(near)), strict=True), default=(-math.inf, 0))
    if best < (_GOOD_LATER if heard.talk else _GOOD):
        return None
    return heard.output(near[place].entry.reply, "retrieval", near[place].score)


def _own(heard: Heard, replies: list[str]) -> ChatOutput | None:
    """Of the model's own replies the best, which must be better than a written one; None where none is."""
    talk = " ".join([*heard.talk, heard.message])
    said = stems(talk)
    with retrieval.using() as index:
        good = [
            reply
            for reply in _fitting(heard, map(whole, replies))
            if speaks(reply, heard.persona.speech) and index.knows(reply, talk) and stems(reply) & said
        ]
        likeness = index.relevance(heard.message, good)
    least = _GOOD_OWN
    try:
        worths = worth(heard, good, likeness)
    except CheckpointError:  # a base that another server runs writes, but cannot rank
        worths, least = likeness, -math.inf
    best, reply = max(zip(worths, good, strict=True), default=(-math.inf, ""))
    return heard.output(reply, "model") if reply and best >= least else None


def _nearest(heard: Heard, written: list[Found]) -> ChatOutput | None:
    """On a base that cannot rank: the nearest written reply, where it is near."""
    if written and written[0].score >= (_NEAR_LATER if heard.talk else _NEAR):
        return heard.output(written[0].entry.reply, "retrieval", written[0].score)
    return None


def _in_speech(found: Found, speech: Speech) -> Found | None:
    """`found` in 존댓말 or 반말; None where its words do not lend themselves to it."""
    if found.entry.speech == speech:
        return found
    if speech == "존댓말" or has_honorifics(found.entry.reply):
        return None
    return found._replace(entry=found.entry._replace(reply=casual(found.entry.reply)))


def _written(heard: Heard) -> Iterator[list[str]]:
    """What the model writes, several replies, growing."""
    request = Generation(
        prompt=prompt(_recent(heard.talk), heard.message, heard.emotion, heard.persona.speech),
        adapter="chat",
        num_samples=_CANDIDATES,
        min_new_tokens=3,
        newline_ends=True,
        no_repeat_ngram=4,
        **models.preferred(heard.input.options(), models.preferences("chat")),
    )
    for samples in models.generate(request):
        yield [sample.text.strip() for sample in samples]


def worth(heard: Heard, replies: list[str], likeness: list[float]) -> list[float]:
    """How much each reply has to do with the talk: its likeness in meaning, and how much likelier it is here than
    anywhere. Raises CheckpointError where the base has no adapter for talk or cannot score.
    """
    speech = heard.persona.speech
    here, anywhere = (
        prompt(_recent(heard.talk), heard.message, heard.emotion, speech),
        prompt([], _ANYTHING, "일상", speech),
    )
    scores = models.score([here] * len(replies) + [anywhere] * len(replies), replies * 2, "chat")
    half = len(replies)
    return [
        own.mean - _OF_ANYWHERE * other.mean + _OF_MEANING * near
        for own, other, near in zip(scores[:half], scores[half:], likeness, strict=True)
    ]


def _recent(talk: list[str]) -> list[str]:
    """The last exchanges of the talk, whole ones."""
    start = max(0, len(talk) - _TURNS)
    while start < len(talk) and sum(map(len, talk[start:])) > _CHARACTERS:
        start += 2
    return talk[start:]


def prompt(talk: list[str], message: str, emotion: str, speech: str) -> list[Special | str]:
    """`<unused10>` emotion `<unused11>` speech, then each turn: `<unused12>` the user's, `<unused13>` the companion's
    `</s>`.
    """
    pieces: list[Special | str] = [
        Special("<unused10>"),
        *([emotion] if emotion else []),
        Special("<unused11>"),
        speech,
    ]
    for user, companion in zip(talk[::2], talk[1::2], strict=True):
        pieces += [Special("<unused12>"), user, Special("<unused13>"), companion, Special("</s>")]
    return [*pieces, Special("<unused12>"), message, Special("<unused13>")]


def training_examples(row: dict[str, Any], rng: random.Random) -> Iterator[Example]:
    """A row is a dialogue: `turns`, the user's first, with `emotion` and `speech`; or a pair: `message`, `reply`,
    `emotion`.

    Each turn of the companion is a target behind all that was said before it, as it will be asked for.
    """
    emotion, speech = clean(str(row.get("emotion") or "")), str(row.get("speech") or "존댓말")
    turns = row["turns"] if "turns" in row else [row["message"], row["reply"]]
    said = [" ".join(clean(turn).split()) for turn in turns]
    for place in range(0, len(said) - 1, 2):
        if said[place] and said[place + 1] and not is_abusive(said[place + 1]):
            yield Example(prompt(_recent(said[:place]), said[place], emotion, speech), said[place + 1])
