"""The command's help in Korean or English by the locale: every text of every command, and click's own words.

`python tests/command/test_language.py` makes locale/ko/LC_MESSAGES/messages.mo from the .po beside it.
"""

from __future__ import annotations

import gettext
import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

if __name__ != "__main__":
    from package_copy import run

    from kogpt_funcs.command import language
    from kogpt_funcs.command.kogpt import kogpt
    from kogpt_funcs.contract.registry import functions

LOCALE = Path(__file__).parents[2] / "kogpt_funcs" / "command" / "locale" / "ko" / "LC_MESSAGES"
KOREAN, ENGLISH = {"LC_ALL": "ko_KR.UTF-8", "LANGUAGE": ""}, {"LC_ALL": "en_US.UTF-8", "LANGUAGE": ""}
_HANGUL = re.compile("[가-힣]")
_ENTRY = re.compile(r'^msgid "(.*)"\n(?:msgid_plural "(.*)"\n)?msgstr(?:\[0\])? "(.*)"((?:\n".*")*)', re.M)


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command
            yield f"{path}{name}", command
            if isinstance(command, click.Group):
                yield from commands(command, f"{path}{name} ")


def test_every_text_of_the_help_has_a_korean_one() -> None:
    for path, command in [("kogpt", kogpt), *commands(kogpt)]:
        said = language.texts(path)
        if path.startswith("call "):
            assert {"--stream", "--server", "--no-server"} <= set(said)
            continue  # the function's own texts are in both languages
        assert _HANGUL.search(said["help"]), path
        for param in command.params:
            if isinstance(param, click.Option) and param.help:
                assert param.opts[0] in said, f"korean.toml lacks {param.opts[0]} of {path}"


def test_no_korean_text_is_for_an_option_that_is_gone() -> None:
    known = {"kogpt": kogpt, **dict(commands(kogpt))}
    for path, said in language._table().items():
        if path == "*":
            continue
        name = path.replace("*", next(iter(functions())))
        there = {param.opts[0] for param in known[name].params}
        assert set(said) - {"help"} <= there, path


@pytest.mark.parametrize("name", ["", "map", "train", "doctor"])
def test_help_is_in_the_language_of_the_locale(name: str) -> None:
    arguments = [*name.split(), "--help"]
    korean, english = (run(*arguments, environment=locale).stdout.decode() for locale in (KOREAN, ENGLISH))
    assert korean.startswith("사용법: kogpt")
    assert "이 도움말을 보여 줍니다." in korean
    assert not re.search(r"Usage|Show this|Options|Commands", korean)
    assert english.startswith("Usage: kogpt")
    assert not _HANGUL.search(english)


@pytest.mark.parametrize("name", ["change_style", "classify_emotion"])
def test_a_functions_help_is_in_the_language_of_the_locale(name: str) -> None:
    korean, english = (run("call", name, "--help", environment=e).stdout.decode() for e in (KOREAN, ENGLISH))
    function = functions()[name]
    assert function.title in korean
    assert function.english.title in english
    assert "하나에 입력" not in english
    assert function.english.input["text"].title in english
    assert "Show this" not in korean


@pytest.mark.parametrize(
    ("environment", "korean"),
    [
        ({"LC_ALL": "ko_KR.UTF-8", "LC_MESSAGES": "C", "LANG": "C"}, True),
        ({"LC_MESSAGES": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({"LANG": "ko_KR.UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({}, False),
    ],
)
def test_the_first_variable_that_is_set_decides(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], korean: bool
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language.korean() is korean


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "오류: 'nothing' 명령은 없습니다."),
        (["map", "--nothing"], "'--nothing' 옵션은 없습니다."),
        (["map"], "빠진 인자: 'NAME'"),
        (["serve", "--port", "99999"], "99999은(는) 범위"),
    ],
)
def test_a_usage_error_is_in_korean_too(arguments: list[str], said: str) -> None:
    done = run(*arguments, environment=KOREAN)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert "Error" not in done.stderr.decode()


def test_a_functions_complaint_is_in_english_where_that_is_asked_for() -> None:
    arguments = ("call", "change_style", "--text", "", "--no-server")
    korean, english = (run(*arguments, environment=locale).stderr.decode() for locale in (KOREAN, ENGLISH))
    assert "비어 있습니다" in korean
    assert english.startswith("kogpt: text: ")
    assert not _HANGUL.search(english)


def test_map_speaks_korean_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "가" * 301 + "\n", "utf-8")
    done = run("map", "change_style", tmp_path / "a.csv", "--column", "text", "--no-server", environment=KOREAN)
    assert done.returncode == 1
    assert "행 2: text: " in done.stderr.decode()
    assert "1행: 답 0, 오류 1. 쓴 곳: " in done.stderr.decode()


def test_clicks_words_are_compiled_from_the_texts() -> None:
    assert (LOCALE / "messages.mo").read_bytes() == compiled(), "make it again: python tests/command/test_language.py"
    with (LOCALE / "messages.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Usage:") == "사용법:"


def compiled() -> bytes:
    """messages.po as gettext reads it: https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html"""
    texts: dict[bytes, bytes] = {}
    for one, many, said, more in _ENTRY.findall((LOCALE / "messages.po").read_text("utf-8")):
        key = f"{one}\0{many}" if many else one
        whole = said + "".join(re.findall(r'"(.*)"', more))
        texts[key.replace(r"\n", "\n").encode()] = whole.replace(r"\n", "\n").encode()
    keys = sorted(texts)
    start = 28 + 16 * len(keys)
    out, places, body = io.BytesIO(), [], b""
    for text in [*keys, *(texts[key] for key in keys)]:
        places.append((len(text), start + len(body)))
        body += text + b"\0"
    out.write(struct.pack("<7I", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, start))
    for place in places:
        out.write(struct.pack("<2I", *place))
    return out.getvalue() + body


if __name__ == "__main__":
    (LOCALE / "messages.mo").write_bytes(compiled())
