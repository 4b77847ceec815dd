"""The optional parts that a file declares: read as declared, a wrong one told with its file and the mend.

The parts that every file has are tried by test_package.py, each as a whole file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.declaring import declared
from kogpt_funcs.contract.english import Text
from kogpt_funcs.contract.errors import BadFunction

FILE = Path(__file__).parent.parent / "functions" / "spell_out.py"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    sys.modules.pop("spell_out", None)


def loaded(source: str) -> ModuleType:
    module = sys.modules["spell_out"] = ModuleType("spell_out")
    exec(compile(source, FILE, "exec"), module.__dict__)
    return module


def test_the_english_is_what_the_file_says() -> None:
    function = declared("spell_out", loaded(FILE.read_text("utf-8")))
    assert function.english.title == "Spell out"
    assert function.english.input["between"] == Text("Separator", "What to put between the letters.")
    assert function.label("빈칸") == ("빈칸", "Blank")
    assert function.label("other") == ("다른 글자", "other script")
    assert function.label("unknown") == ("unknown", "unknown")


def test_without_english_the_names_speak() -> None:
    source = FILE.read_text("utf-8").replace("ENGLISH =", "NOTHING =")
    english = declared("spell_out", loaded(source)).english
    assert (english.title, english.input["between"]) == ("Spell out", Text("Between", ""))
    assert english.input["text"] == Text("Text", "Up to 50 characters.")


@pytest.mark.parametrize("name", registry.names())
def test_what_ships_is_whole_in_english(name: str) -> None:
    english = registry.get(name).english
    said = [english.title, english.description, *english.labels.values()]
    said += [word for texts in (english.input, english.output) for text in texts.values() for word in text]
    assert all(said)
    assert not re.search("[ㄱ-ㅎ가-힣]", "".join(said))


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ('    "title": "Spell out",\n', "", "ENGLISH does not fit: 'title' is missing"),
        (
            '"between": ("Separator"',
            '"betwen": ("Separator"',
            "'input' has 'betwen', which is no field; fields: between, text",
        ),
        ('        "syllables.kind": ("Kind", "Hangul or another script."),\n', "", "'output' lacks 'syllables.kind'"),
        ('("Kind", "Hangul or another script.")', '"Kind"', "must give 'syllables.kind' as (title, description)"),
        ('"빈칸": "Blank", ', "", "'labels' lacks the choice '빈칸'"),
        ('LABELS = {"hangul": "한글"', 'LABELS = {"hangul": 1', "LABELS must be a dict"),
        (
            "def stream(",
            "def training_examples(row): ...\n\n\ndef stream(",
            "training_examples must be a function of row, rng",
        ),
        (
            "def stream(",
            "def training_labels(row): ...\n\n\ndef stream(",
            "training_labels and LABEL_GROUPS go together",
        ),
    ],
)
def test_what_does_not_fit_stops_the_load(right: str, wrong: str, sentence: str) -> None:
    source = FILE.read_text("utf-8")
    assert right in source
    module = loaded(source.replace(right, wrong, 1))
    with pytest.raises(BadFunction, match=re.escape(sentence)) as caught:
        declared("spell_out", module)
    assert str(caught.value).startswith("kogpt_funcs/spell_out.py: ")
