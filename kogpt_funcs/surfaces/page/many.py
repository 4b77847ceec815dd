"""Many at once: a file is sent, a column chosen, every row answered, the table handed back. For every function."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from kogpt_funcs.contract.errors import Busy, InvalidInput, KogptError
from kogpt_funcs.contract.fields import Sampling
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import shapes
from kogpt_funcs.data import tables
from kogpt_funcs.data.dates import as_date
from kogpt_funcs.data.journal import Entry
from kogpt_funcs.surfaces import rows, uploads
from kogpt_funcs.surfaces.page import columns, over_time
from kogpt_funcs.surfaces.page.components import Field
from kogpt_funcs.surfaces.page.growing import growing
from kogpt_funcs.surfaces.page.many_words import limits, progress, refused
from kogpt_funcs.surfaces.page.translations import Dictionary, word

_EVERY = 0.3  # seconds between two drawings of the progress bar
_MOST_AT_ONCE = 4  # files that this server works on at the same time

#: (session, function) → what stops its run.
_running: dict[tuple[str, str], threading.Event] = {}
Update = dict[Any, Any]


@dataclass(frozen=True)
class Panel:
    """The parts of one function's panel, and what they do."""

    function: Function
    fields: list[Field]  # of the form: what no column gives
    data: Callable[[tuple[Any, ...]], dict[str, Any]]  # what the form says, as an input
    file: gr.File
    table: gr.State  # (Table, number of rows), None before a file
    notice: gr.HTML
    chosen: gr.Column  # shown once a file is there
    preview: gr.HTML
    pickers: dict[str, gr.Dropdown]  # input field → which column
    date: gr.Dropdown | None
    go: gr.Button
    stop: gr.Button
    progress: gr.HTML
    download: gr.DownloadButton
    course: gr.HTML

    def wire(self) -> None:
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        after = [self.progress, self.download, self.course]
        choices = [*self.pickers.values(), *([self.date] if self.date else [])]
        self.file.change(
            self.opened,
            self.file,
            [self.table, self.notice, self.chosen, self.preview, *choices, *after],
            queue=False,
            **quiet,
        )
        # preprocess=False: the columns and the form are judged here, in our words.
        self.go.click(
            self.run,
            [self.table, *choices, *(field.control.component for field in self.fields)],
            [self.notice, self.go, self.stop, *after],
            preprocess=False,
            trigger_mode="once",
            **quiet,
        )
        self.stop.click(self.stopped, queue=False, **quiet)

    def opened(self, path: str | None) -> Update:
        """What the file holds, once it is there; all is empty again when it is taken away."""
        fresh: Update = {self.notice: "", self.progress: "", self.course: "", self.download: gr.update(visible=False)}
        if not path:
            return {**fresh, self.table: None, self.chosen: gr.update(visible=False)}
        try:
            table, count = uploads.opened(Path(path))
        except Exception as error:
            return {**fresh, self.table: None, self.chosen: gr.update(visible=False), self.notice: refused(error)}
        seen = columns.sample(table)
        offered = [(column, column) for column in table.columns]
        updates = {**fresh, self.table: (table, count), self.chosen: gr.update(visible=True)}
        updates[self.preview] = columns.preview(table, seen)
        for field, picker in self.pickers.items():
            likely = columns.likely(self.function, field, table, seen)
            updates[picker] = gr.update(choices=[("—", ""), *offered], value=likely)
        if self.date:
            updates[self.date] = gr.update(choices=[("—", ""), *offered], value=columns.dates(table, seen))
        return updates

    def run(self, request: gr.Request, surveyed: Any, *raw: Any) -> Iterator[Update]:
        """Answers every row, tells how far it is, and hands the table back; what is done when it is stopped, too."""
        key, stop = (str(request.session_hash), self.function.name), threading.Event()
        yield {
            **{self.notice: "", self.progress: "", self.course: "", self.download: gr.update(visible=False)},
            **{self.go: gr.update(visible=False), self.stop: gr.update(visible=True)},
        }
        try:
            plan, count, date = self._plan(surveyed, raw)
            if len(_running) >= _MOST_AT_ONCE:
                raise Busy(retry_after=60)
            _running[key] = stop
            yield from self._rows(plan, count, date, stop)
        except Exception as error:
            yield {self.notice: refused(error), **self._ended()}
        finally:
            stop.set()
            if _running.get(key) is stop:
                del _running[key]

    def _ended(self) -> Update:
        return {self.go: gr.update(visible=True), self.stop: gr.update(visible=False)}

    def stopped(self, request: gr.Request) -> None:
        """Tells this visitor's run to end with the rows that are done."""
        if stop := _running.get((str(request.session_hash), self.function.name)):
            stop.set()

    def _plan(self, surveyed: Any, raw: tuple[Any, ...]) -> tuple[rows.Plan, int, str]:
        if not surveyed:
            raise KogptError("파일을 먼저 올려 주세요.", "Send a file first.")
        table, count = surveyed
        picked = dict(zip([*self.pickers, ""], raw, strict=False))
        chosen = {field: str(picked[field]) for field in self.pickers if picked[field]}
        date = str(picked.get("") or "") if self.date else ""
        if unknown := [column for column in [*chosen.values(), date] if column and column not in table.columns]:
            raise KogptError(f"이 파일에 {unknown[0][:100]} 열은 없습니다.", f"No column {unknown[0][:100]} here.")
        if self.function.main_field not in chosen:
            title = self.function.fields[self.function.main_field].title
            raise KogptError(f"{title}을(를) 읽을 열을 골라 주세요.", "Choose the column to read.")
        form = self.data(raw[len(self.pickers) + bool(self.date) :])
        constants = {name: value for name, value in form.items() if name not in chosen}
        self._check(constants)
        return rows.plan(self.function, table, chosen, constants), count, date

    def _check(self, constants: dict[str, Any]) -> None:
        """InvalidInput for what the form says, before the first row; what only a row can tell is left to it."""
        try:
            self.function.parse({**self.function.examples[0], **constants})
        except InvalidInput as error:
            told = [p._replace(message=f"{p.field}: {p.message}") for p in error.problems]
            raise InvalidInput(told) from None

    def _rows(self, plan: rows.Plan, count: int, date: str, stop: threading.Event) -> Iterator[Update]:
        done: list[Entry] = []
        english: dict[int, str] = {}
        began = time.monotonic()

        def steps() -> Iterator[int]:
            with closing(uploads.answers(plan, stop)) as answers:  # type: ignore[type-var]
                for entry, said in answers:
                    done.append(entry)
                    english[entry.row] = said
                    yield len(done)

        yield {self.progress: progress([], count)}
        with closing(growing(steps(), _EVERY)) as growth:
            for number in growth:
                yield {self.progress: progress(done[:number], count, english, time.monotonic() - began)}
        told = progress(done, count, english, stopped=len(done) < count)
        last = {self.progress: told, self.course: self._course(plan, date, done), **self._ended()}
        with tempfile.TemporaryDirectory(prefix="kogpt-many-") as folder:  # Gradio keeps a copy for the browser
            if done:
                path = uploads.write(plan, done, Path(folder))
                last[self.download] = gr.update(value=str(path), visible=True)
            yield last  # all at once: of updates that follow one another at once the browser may lose one

    def _course(self, plan: rows.Plan, date: str, done: Sequence[Entry]) -> str:
        if not date:
            return ""
        outputs = {entry.row: entry.output for entry in done if entry.output}
        found = ((as_date(row.cells.get(date)), outputs.get(row.number)) for row in tables.rows(plan.table))
        dated = [over_time.Dated(day, over_time.shares(self.function, o)) for day, o in found if day and o]
        return over_time.drawn(self.function, dated) if dated else f'<p class="kogpt-quiet">{word("no_dates")}</p>'


def many(
    function: Function, fields: list[Field], data: Callable[[tuple[Any, ...]], dict[str, Any]], words: Dictionary
) -> None:
    """Lays the panel out where it is called, below the function's form, and wires it."""

    def html(part: str, css: str, text: str = "") -> gr.HTML:
        return gr.HTML(text, elem_id=f"{function.name}-many-{part}", elem_classes=css, apply_default_css=False)

    def picker(part: str, label: Any, info: str) -> gr.Dropdown:
        place = f"{function.name}-column-{part}"
        return gr.Dropdown([], label=label, info=words.word(info), elem_id=place, interactive=True, min_width=160)

    place = f"{function.name}-many"
    with gr.Accordion(words.word("many"), open=False, elem_id=place, elem_classes=["kogpt-fold", "kogpt-many"]):
        html("about", "kogpt-many-about", limits())
        file = gr.File(
            label=words.word("file"),
            file_types=list(uploads.ENDINGS),
            elem_id=f"{function.name}-many-file",
            height=140,
        )
        notice = html("notice", "kogpt-notice")
        table = gr.State(None)
        with gr.Column(visible=False) as chosen:
            preview = html("preview", "kogpt-preview")
            with gr.Row(elem_classes="kogpt-columns"):
                pickers = {}
                for name in _own(function):
                    info = "column_main" if name == function.main_field else "column_else"
                    title, english = function.fields[name].title, function.english.input[name].title
                    pickers[name] = picker(name, words.say(f"열: {title}", f"Column: {english}"), info)
                date = picker("date", words.word("column_date"), "date_info") if over_time.labels(function) else None
            with gr.Row(elem_classes="kogpt-buttons"):
                go = gr.Button(words.word("run_all"), variant="primary", elem_id=f"{function.name}-many-run")
                stop = gr.Button(words.word("stop"), visible=False, elem_id=f"{function.name}-many-stop")
        bar = html("progress", "kogpt-many-progress")
        download = gr.DownloadButton(
            words.word("download"),  # type: ignore[arg-type]
            visible=False,
            elem_id=f"{function.name}-many-download",
            variant="primary",
        )
        course = html("course", "kogpt-many-course")
    parts = (notice, chosen, preview, pickers, date, go, stop, bar, download, course)
    Panel(function, fields, data, file, table, *parts).wire()


def _own(function: Function) -> list[str]:
    """The main field, then the function's other own fields of plain kinds: a column can give them."""
    plain = [n for n, s in function.fields.items() if s.choices or s.number or s.kind in (str, bool)]
    own = [name for name in plain if name not in shapes(Sampling)]
    return sorted(own, key=lambda name: name != function.main_field)
