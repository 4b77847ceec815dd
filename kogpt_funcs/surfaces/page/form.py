"""What happens when a person presses a button: check, answer piece by piece, stop, tell what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import BaseModel

from kogpt_funcs.contract.errors import FieldProblem, InvalidInput, KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import faults, running
from kogpt_funcs.surfaces.page.answers import Answer
from kogpt_funcs.surfaces.page.components import Field
from kogpt_funcs.surfaces.page.growing import growing
from kogpt_funcs.surfaces.page.tools import listen
from kogpt_funcs.surfaces.page.translations import WORDS, both

_HANGUL = re.compile("[ㄱ-ㅎㅏ-ㅣ가-힣]")
_EVERY = 0.06  # seconds between two pieces of a growing answer: a browser draws no faster than people read

#: Component → new value; what is not named stays as it is.
Update = dict[gr.components.Component, Any]


@dataclass(frozen=True)
class Form:
    """The components of one function on the page, and what they do."""

    function: Function
    fields: list[Field]
    answers: list[Answer]
    notice: gr.HTML  # what is wrong with the request as a whole
    run: gr.Button
    stop: gr.Button
    examples: gr.Dataset

    def wire(self) -> None:
        """Connects the buttons; call it inside the open gr.Blocks."""
        inputs = [field.control.component for field in self.fields]
        problems = [field.problem for field in self.fields]
        submits = [box.submit for box in inputs if isinstance(box, gr.Textbox)]
        # preprocess=False: Function.parse judges what the browser sent, in Korean, and nobody before it.
        running = gr.on(
            [self.run.click, *submits],
            self.respond,
            inputs=inputs,
            outputs=[*(a.component for a in self.answers), self.notice, *problems, self.run, self.stop],
            show_progress="minimal",
            show_progress_on=[a.component for a in self.answers],
            preprocess=False,
            trigger_mode="once",
            api_visibility="private",
        )
        self.stop.click(
            self._stopped,
            outputs=[self.run, self.stop],
            cancels=[running],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        filled = self.examples.click(
            self._fill,
            inputs=self.examples,
            outputs=[*inputs, *problems],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        listen(self.function, inputs, running, filled)

    def respond(self, *raw: Any) -> Iterator[Update]:
        """The answer to what the browser sent, as it grows."""
        yield {**self._fresh(), self.run: gr.update(visible=False), self.stop: gr.update(visible=True)}
        try:
            yield from self._answer(raw)
        except InvalidInput as error:
            yield self.told(error.problems)
        except Exception as error:
            yield {self.notice: _alert([_told(faults.known(error))])}
        yield self._stopped()

    def _answer(self, raw: tuple[Any, ...]) -> Iterator[Update]:
        with closing(growing(running.streamed(self.function, self.data(raw)), _EVERY)) as outputs:
            output = None
            for output in outputs:
                yield self._shown(output, False)
            if output is not None:
                yield self._shown(output, True)

    def data(self, raw: tuple[Any, ...]) -> dict[str, Any]:
        """The input that the components' values stand for."""
        read = {field.name: field.control.read(value) for field, value in zip(self.fields, raw, strict=True)}
        return {name: value for name, value in read.items() if value is not None}

    def _shown(self, output: BaseModel, whole: bool) -> Update:
        return {a.component: a.show(output, whole) for a in self.answers}

    def _fresh(self) -> Update:
        cleared = {a.component: a.empty for a in self.answers}
        return {**cleared, self.notice: "", **{field.problem: "" for field in self.fields}}

    def told(self, problems: tuple[FieldProblem, ...]) -> Update:
        """Each problem beside its field, or above the answer where it belongs to none."""
        lines = {field.name: field.problem for field in self.fields}
        told: dict[gr.components.Component, list[tuple[str, str]]] = {}
        for problem in problems:
            name, _, inside = problem.field.partition(".")
            where = f"{inside}: " if inside else ""
            said = (where + problem.message, where + (problem.english or problem.message))
            told.setdefault(lines.get(name, self.notice), []).append(said)
        return {line: _alert(sentences) for line, sentences in told.items()}

    def _stopped(self) -> Update:
        return {self.run: gr.update(visible=True), self.stop: gr.update(visible=False)}

    def _fill(self, index: int) -> list[Any]:
        example = self.function.examples[index]
        return [*(field.shown(example) for field in self.fields), *("" for _ in self.fields)]


def _told(fault: KogptError) -> tuple[str, str]:
    """A fault in Korean and in English. One that only an operator can mend is told in English after words for all."""
    if fault.english != fault.message or _HANGUL.search(fault.message):
        return fault.message, fault.english
    korean, english = WORDS["broken"]
    return f"{korean} ({fault.message})", f"{english} ({fault.message})"


def _alert(sentences: list[tuple[str, str]]) -> str:
    """What is wrong, each sentence in Korean and English, as HTML."""
    korean, english = (" ".join(texts) for texts in zip(*sentences, strict=True))
    return f'<p role="alert">{both((korean, english))}</p>'
