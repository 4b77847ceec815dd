"""How the page looks: celadon on paper, the system's own Korean fonts, nothing from outside."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, sizes

_FONTS = (
    "Pretendard Variable",
    "Pretendard",
    "-apple-system",
    "BlinkMacSystemFont",
    "Apple SD Gothic Neo",
    "Noto Sans KR",
    "Noto Sans CJK KR",
    "Malgun Gothic",
    "NanumBarunGothic",
    "NanumGothic",
    "Segoe UI",
    "sans-serif",
)
_MONO = ("D2Coding", "ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "NanumGothicCoding", "monospace")
_CELADON = colors.Color(
    name="celadon",
    c50="#f1f7f4",
    c100="#dcebe4",
    c200="#bad7ca",
    c300="#8fbca9",
    c400="#639d87",
    c500="#45806b",
    c600="#356857",
    c700="#2b5447",
    c800="#24443a",
    c900="#1e3831",
    c950="#10201c",
)
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32'"
    " rx='8' fill='%23356857'/%3E%3Cpath d='M9 10h14v5H9zM16 15v6M8 21h16' fill='none' stroke='white'"
    " stroke-width='2.6' stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E"
)
_STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
#: The script chooses the page's language as Gradio does, and names it for screen readers and for page.css.
HEAD = f"""<link rel="icon" href="{_ICON}">
<style>{_STYLE}</style>
<script>
(() => {{
  const language = (navigator.language || navigator.languages[0] || "ko").toLowerCase();
  document.documentElement.lang = language.startsWith("ko") ? "ko" : "en";
}})();
</script>"""


def theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=_CELADON,
        secondary_hue=_CELADON,
        neutral_hue=colors.stone,
        radius_size=sizes.radius_lg,
        spacing_size=sizes.spacing_md,
        text_size=sizes.text_md,
        font=_FONTS,
        font_mono=_MONO,
    ).set(
        body_background_fill="#faf9f6",
        body_background_fill_dark="#161513",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#1f1e1b",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_shadow_dark="none",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_title_text_weight="600",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        input_background_fill="#ffffff",
        input_background_fill_dark="#262421",
        input_border_width="1px",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        input_border_color_focus="*primary_500",
        input_border_color_focus_dark="*primary_400",
        input_shadow_focus="0 0 0 3px #45806b22",
        input_shadow_focus_dark="0 0 0 3px #639d8733",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_400",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_600",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_background_fill_hover="*primary_50",
        checkbox_label_background_fill_hover_dark="*primary_900",
        checkbox_label_background_fill_selected="*primary_50",
        checkbox_label_background_fill_selected_dark="*primary_900",
        checkbox_label_border_width="1px",
        checkbox_label_border_color="*neutral_300",
        checkbox_label_border_color_dark="*neutral_700",
        checkbox_label_border_color_selected="*primary_500",
        slider_color="*primary_500",
        slider_color_dark="*primary_400",
    )
