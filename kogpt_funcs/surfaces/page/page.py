"""The Gradio page, built from the functions' Input and Output models alone; it names no function."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.fields import Sampling
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import shapes
from kogpt_funcs.surfaces.page import clients
from kogpt_funcs.surfaces.page.answers import answer
from kogpt_funcs.surfaces.page.bubbles import bubbles
from kogpt_funcs.surfaces.page.components import Field, field
from kogpt_funcs.surfaces.page.form import Form
from kogpt_funcs.surfaces.page.head import NAME
from kogpt_funcs.surfaces.page.links import link_up
from kogpt_funcs.surfaces.page.many import many
from kogpt_funcs.surfaces.page.tools import tools
from kogpt_funcs.surfaces.page.translations import WORDS, Dictionary, both, word

_SPARE_THREADS = 8
_KEPT = (600, 3600)  # seconds: how often files that visitors sent or fetched are looked at, and how long they stay


def page(functions: Sequence[Function]) -> tuple[gr.Blocks, gr.I18n]:
    """The page for these functions, one tab each, and its translations for `launch(i18n=…)`."""
    words = Dictionary()
    title = _names(functions[0]) if len(functions) == 1 else WORDS["suite"]
    with (
        gr.Blocks(title=NAME, fill_width=True, analytics_enabled=False, delete_cache=_KEPT) as blocks,
        gr.Column(elem_classes="kogpt-page"),
    ):
        subtitle = _description(functions[0]) if len(functions) == 1 else word("subtitle")
        gr.HTML(f"<h1>{both(title)}</h1><p>{subtitle}</p>", elem_classes="kogpt-header", apply_default_css=False)
        tabs, forms = None, list[Form]()
        if len(functions) == 1:
            forms += _function(functions[0], words)
        else:
            with gr.Tabs(elem_classes="kogpt-tabs") as tabs:
                for function in functions:
                    with gr.Tab(words.say(*_names(function)), id=function.name):
                        text = f"<p>{_description(function)}</p>"
                        gr.HTML(text, elem_classes="kogpt-description", apply_default_css=False)
                        forms += _function(function, words)
        gr.HTML(
            f'<p>{word("also")} <a href="./api/docs">REST</a> · MCP <code>/mcp</code> · <a '
            f'href="./stories/">{word("stories")}</a></p>',
            elem_classes="kogpt-footer",
            apply_default_css=False,
        )
        link_up(blocks, tabs, forms)
        clients.endpoints(functions)
    # The model layer's gate says Busy in a sentence of ours; Gradio lets through as many as it takes to hear that.
    blocks.queue(max_size=settings.current().queue, default_concurrency_limit=threads(), api_open=False)
    return blocks, words.i18n()


def threads() -> int:
    """How many visitors are served at the same time, those included who are told to come back."""
    return settings.current().queue + _SPARE_THREADS


def _function(function: Function, words: Dictionary) -> list[Form]:
    """What a person fills in, and what comes back; a function that talks has its bubbles instead of a form."""
    if function.talk:
        bubbles(function)
        many(function, [], lambda raw: {}, words)
        return []
    with gr.Row(equal_height=False, elem_classes="kogpt-function", elem_id=function.name):
        with gr.Column(scale=5, min_width=300, elem_classes="kogpt-form"):
            fields = _fields(function, _own(function), words)
            with gr.Row(elem_classes="kogpt-buttons"):
                run = gr.Button(words.word("run"), variant="primary", elem_id=f"{function.name}-run")
                stop = gr.Button(words.word("stop"), visible=False, elem_id=f"{function.name}-stop")
            fields += _sampling(function, words)
            examples = _examples(function, words)
            tools(function, [field.name for field in fields])
        with gr.Column(scale=6, min_width=300, elem_classes="kogpt-answers"):
            place = f"{function.name}-notice"
            notice = gr.HTML("", elem_id=place, elem_classes="kogpt-notice", apply_default_css=False)
            answers = [answer(function, shape) for shape in function.answers.values()]
    form = Form(function, fields, answers, notice, run, stop, examples)
    form.wire()
    many(function, fields, form.data, words)
    return [form]


def _fields(function: Function, names: list[str], words: Dictionary) -> list[Field]:
    fields, english = function.fields, function.english.input
    return [field(function.name, fields[name], english[name], function.label, words) for name in names]


def _own(function: Function) -> list[str]:
    """The required fields, then the function's own optional ones."""
    own = [name for name in function.fields if name not in shapes(Sampling)]
    return sorted(own, key=lambda name: not function.fields[name].required)


def _sampling(function: Function, words: Dictionary) -> list[Field]:
    names = [name for name in shapes(Sampling) if name in function.fields]
    if not names:
        return []
    place = f"{function.name}-sampling"
    with gr.Accordion(words.word("sampling"), open=False, elem_id=place, elem_classes="kogpt-fold"):
        return _fields(function, names, words)


def _examples(function: Function, words: Dictionary) -> gr.Dataset:
    labels = [_example_label(function, example) for example in function.examples]
    return gr.Dataset(
        label=words.word("examples"),
        components=[gr.Textbox(visible=False)],
        samples=[[label] for label in labels],
        type="index",
        layout="gallery",
        elem_id=f"{function.name}-examples",
        elem_classes="kogpt-examples",
    )


def _example_label(function: Function, example: dict[str, object]) -> str:
    texts = [str(example[name]) for name in _own(function) if isinstance(example.get(name), str)]
    return " → ".join(texts) or str(example)


def _names(function: Function) -> tuple[str, str]:
    return function.title, function.english.title


def _description(function: Function) -> str:
    return both((" ".join(function.description.split()), " ".join(function.english.description.split())))
