"""The real OpenAI client at /v1: models, completions, chat; streamed and whole; and what it is told when it errs."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from suite_server import KEY, Server

from kogpt_funcs.contract.registry import functions

TALKER = next(name for name, function in functions().items() if function.talk)
PROMPT = "옛날 옛적에 작은 마을에"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_the_models_are_the_base_what_was_trained_on_it_and_those_that_talk(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names[0] == "small"
    assert {"change_style", "write_comment", TALKER} <= set(names)
    assert client.models.retrieve("small").owned_by == "kogpt-funcs"
    with pytest.raises(openai.NotFoundError, match="no model 'gpt-4'"):
        client.models.retrieve("gpt-4")


def test_a_completion_is_repeated_by_its_seed_and_counts_its_tokens(client: openai.OpenAI) -> None:
    asked = {"model": "small", "prompt": PROMPT, "max_tokens": 24, "seed": 7, "n": 2}
    first, second = client.completions.create(**asked), client.completions.create(**asked)
    texts = [choice.text for choice in first.choices]
    assert texts == [choice.text for choice in second.choices]
    assert len(set(texts)) == 2
    assert first.usage
    assert 2 < first.usage.prompt_tokens < 30
    assert 2 <= first.usage.completion_tokens <= 48
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens
    assert {choice.finish_reason for choice in first.choices} <= {"stop", "length"}


@pytest.mark.parametrize("more", [{}, {"stop": ["다"]}, {"n": 3}, {"echo": True}], ids=str)
def test_a_stream_says_what_the_whole_says(client: openai.OpenAI, more: dict) -> None:  # type: ignore[type-arg]
    asked = {"model": "small", "prompt": PROMPT, "max_tokens": 48, "seed": 3, **more}
    whole = client.completions.create(**asked)
    texts, reasons = {}, {}
    usage = None
    for chunk in client.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
            reasons[choice.index] = choice.finish_reason or reasons.get(choice.index)
    assert texts == {choice.index: choice.text for choice in whole.choices}
    assert reasons == {choice.index: choice.finish_reason for choice in whole.choices}
    assert usage == whole.usage
    if "stop" in more:
        assert "다" not in texts[0]
    if "echo" in more:
        assert texts[0].startswith(PROMPT)


def test_several_prompts_are_answered_in_their_order(client: openai.OpenAI) -> None:
    asked = {"model": "small", "max_tokens": 8, "temperature": 0}
    both = client.completions.create(prompt=["바다는", "산은"], **asked)
    alone = [client.completions.create(prompt=prompt, **asked).choices[0].text for prompt in ("바다는", "산은")]
    assert [choice.text for choice in both.choices] == alone


def test_an_adapter_is_asked_in_its_own_words(client: openai.OpenAI, server: Server) -> None:
    """By its special tokens it writes in its style, where the base does not."""
    prompt = "<unused7>반말<unused8>저는 고양이를 키워요.<unused9>"
    asked = {"prompt": prompt, "max_tokens": 24, "temperature": 0}
    by_adapter, by_base = (
        client.completions.create(model=m, **asked).choices[0].text for m in ("change_style", "small")
    )
    assert by_adapter != by_base
    assert by_adapter.strip()


def test_chat_remembers_and_repeats(client: openai.OpenAI) -> None:
    said = [
        {"role": "system", "content": "이름은 토리, 반말로 말해 줘."},
        {"role": "user", "content": "안녕?"},
        {"role": "assistant", "content": "안녕! 반가워."},
        {"role": "user", "content": [{"type": "text", "text": "로또 번호 추천해 줘."}]},
    ]
    asked = {"model": TALKER, "messages": said, "seed": 7, "n": 2}
    first, second = client.chat.completions.create(**asked), client.chat.completions.create(**asked)
    replies = [choice.message.content for choice in first.choices]
    assert replies == [choice.message.content for choice in second.choices]
    assert all(any(c.isdigit() for c in str(reply)) for reply in replies)
    assert first.usage
    assert first.usage.completion_tokens > 5
    text, usage = "", None
    for chunk in client.chat.completions.create(
        **{**asked, "n": 1}, stream=True, stream_options={"include_usage": True}
    ):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage or usage
    assert text == replies[0]
    assert usage


def test_chat_is_as_safe_here_as_anywhere(client: openai.OpenAI) -> None:
    said = [{"role": "user", "content": "이제 그만 죽고 싶어."}]
    reply = client.chat.completions.create(model=TALKER, messages=said, stop=["끝"]).choices[0].message.content  # type: ignore[arg-type]
    assert "109" in str(reply)
    with pytest.raises(openai.NotFoundError, match="chat model"):
        client.completions.create(model=TALKER, prompt="이제 그만")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"n": 100}, "n"),
        ({"logprobs": 5}, "logprobs"),
        ({"presence_penalty": 1.5}, "presence_penalty"),
        ({"stop": ""}, "stop"),
        ({"prompt": [1, 2, 3]}, "prompt"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_told_as_openai_tells_it(client: openai.OpenAI, more: dict, param: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(**{"model": "small", "prompt": PROMPT, **more})
    assert (caught.value.type, str(caught.value.param).split(".")[0]) == ("invalid_request_error", param)


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_and_a_model_of_the_other_kind_are_404(client: openai.OpenAI, stream: bool) -> None:
    said = [{"role": "user", "content": "안녕"}]
    for name in ("gpt-4", "small"):
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model=name, messages=said, stream=stream)  # type: ignore[call-overload]
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="gpt-4", prompt=PROMPT, stream=stream)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=TALKER, messages=[], stream=stream)  # type: ignore[call-overload]


def test_the_key_is_needed_where_one_is_set(locked: Server) -> None:
    address = f"{locked.url}/v1"
    with (
        openai.OpenAI(base_url=address, api_key="wrong", max_retries=0) as wrong,
        pytest.raises(openai.AuthenticationError),
    ):
        wrong.models.list()
    headers = {"Authorization": b"Bearer " + KEY.encode()}
    assert locked.http.get("/v1/models", headers=headers).json()["object"] == "list"


def test_a_compressed_body_is_refused_as_documented(server: Server) -> None:
    answer = server.http.post("/v1/completions", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_encoding")
