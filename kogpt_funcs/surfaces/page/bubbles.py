"""The tab of a function that talks: its bubbles, which are a page of their own (surfaces/talk), in a frame."""

from __future__ import annotations

import gradio as gr

from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces.page.translations import both, word


def bubbles(function: Function) -> None:
    """Lays the frame out where it is called, inside an open gr.Blocks. Addresses are relative to the suite's page."""
    address = f"./talk/{function.name}/"
    name = f"{function.title} / {function.english.title}"
    gr.HTML(
        f'<iframe src="{address}" title="{name}" allow="microphone; clipboard-write" loading="lazy"></iframe>'
        f'<p><a href="{address}">{both((function.title, function.english.title))}: {word("alone")}</a></p>',
        elem_id=function.name,
        elem_classes="kogpt-bubbles",
        apply_default_css=False,
    )
