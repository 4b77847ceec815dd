"""How well a person in crisis is recognised: our own hundred ways to say it, and a thousand ordinary sentences."""

from __future__ import annotations

from pathlib import Path

from kogpt_funcs.evaluation.report import Figures
from kogpt_funcs.korean.crisis import speaks_of_suicide


def crisis_phrases() -> list[str]:
    """Ways in which people say it, written for this project."""
    return _lines("crisis")


def ordinary_sentences() -> list[str]:
    """Everyday sentences, drawn from the text written for this project."""
    return _lines("ordinary")


def measure() -> Figures:
    """Recall on the phrases and false alarms among the sentences, with what went wrong."""
    phrases, ordinary = crisis_phrases(), ordinary_sentences()
    missed = [text for text in phrases if not speaks_of_suicide(text)]
    alarms = [text for text in ordinary if speaks_of_suicide(text)]
    return {
        "crisis_phrases": len(phrases),
        "crisis_found": f"{100 * (1 - len(missed) / len(phrases)):g} %",
        "ordinary_sentences": len(ordinary),
        "false_alarms": f"{100 * len(alarms) / len(ordinary):g} %",
        **({"missed": ", ".join(missed)} if missed else {}),
    }


def _lines(name: str) -> list[str]:
    return Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8").splitlines()
