"""The page's head as it leaves the server: language, title, what a link to it shows elsewhere, icon, scripts.

Gradio's own head names Gradio and knows one title; crawlers and messengers read no more than this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces.language import language
from kogpt_funcs.surfaces.page.translations import SCRIPT_WORDS, WORDS

#: What the page calls itself to Gradio; `Head` puts the title that people read in its place.
NAME = "kogpt-funcs"
STATIC = Path(__file__).with_name("static")
STYLES = sorted(Path(__file__).with_name("styles").glob("*.css"))
ICON = STATIC / "icon.svg"
_THEIRS = re.compile(r'<meta\s[^>]*(?:property="og:|name="twitter:)[^>]*>')
_HTML = re.compile(r'(<html\s[^>]*?)lang="\w*"')
#: The browser's word counts, as Gradio takes it, so that labels and texts agree; a crawler has none.
_LANGUAGE = """<script>
document.documentElement.lang = (navigator.language || "ko").toLowerCase().startsWith("ko") ? "ko" : "en";
</script>"""


class Head:
    """ASGI middleware around Gradio's app: the page at / gets our head, in the language that the browser asks for."""

    def __init__(self, app: ASGIApp, functions: Sequence[Function]) -> None:
        self.app, self.functions = app, {function.name: function for function in functions}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) not in ("", "/"):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def held(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = MutableHeaders(raw=start["headers"])
            whole = body
            if headers.get("content-type", "").startswith("text/html") and start["status"] == 200:
                whole = self._page(body.decode(), scope).encode()
                headers["content-length"] = str(len(whole))
                headers.add_vary_header("Accept-Language")
            await send(start)
            await send({"type": "http.response.body", "body": whole})

        await self.app(scope, receive, held)

    def _page(self, html: str, scope: Scope) -> str:
        headers = Headers(scope=scope)
        spoken = language(headers.get("accept-language", ""))
        asked = QueryParams(scope.get("query_string", b"")).get("tab", "")
        title, description = self._said(asked, spoken == "en")
        head = _head(title, description, spoken, _address(headers, scope)) + _words(self.functions.values())
        html = _HTML.sub(rf'\1lang="{spoken}"', _THEIRS.sub("", html), count=1)
        html = html.replace(f'"title":"{NAME}"', f'"title":{_json(title)}', 1)
        return html.replace("</head>", f"{head}</head>", 1)

    def _said(self, asked: str, english: bool) -> tuple[str, str]:
        """The title and description of the function whose tab is asked for, or of the whole page."""
        chosen = self.functions.get(asked) or (
            next(iter(self.functions.values())) if len(self.functions) == 1 else None
        )
        if chosen is None:
            return WORDS["suite"][english], WORDS["subtitle"][english]
        said = chosen.english if english else chosen
        title = said.title if len(self.functions) == 1 else f"{said.title} · {WORDS['suite'][english]}"
        return title, " ".join((said.description or said.title).split())


def routes() -> list[BaseRoute]:
    """The head's own files."""
    return [Mount("/page", StaticFiles(directory=STATIC))]


def _head(title: str, description: str, spoken: str, address: str) -> str:
    locale, other = ("ko_KR", "en_US") if spoken == "ko" else ("en_US", "ko_KR")
    named = {"description": description, "twitter:card": "summary_large_image", "color-scheme": "light dark"}
    properties = {
        "og:type": "website",
        "og:site_name": WORDS["suite"][spoken == "en"],
        "og:title": title,
        "og:description": description,
        "og:url": address,
        "og:image": f"{address}page/card.png",
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": WORDS["suite"][spoken == "en"],
        "og:locale": locale,
        "og:locale:alternate": other,
    }
    metas = [f'<meta name="{name}" content="{escape(text)}">' for name, text in named.items()]
    metas += [f'<meta property="{name}" content="{escape(text)}">' for name, text in properties.items()]
    scripts = [f'<script type="module" src="./page/{file.name}"></script>' for file in sorted(STATIC.glob("*.js"))]
    icon = f'<title>{escape(title)}</title><link rel="icon" type="image/svg+xml" href="./page/{ICON.name}">'
    return "\n".join([*metas, icon, _LANGUAGE, *scripts])


def _words(functions: Iterable[Function]) -> str:
    """What the scripts say, and the tabs' titles, in both languages, as JSON that they read."""
    both = {}
    for place, spoken in enumerate(("ko", "en")):
        titles = {f.name: (f.title, f.english.title)[place] for f in functions}
        said = {key: pair[place] for key, pair in SCRIPT_WORDS.items()}
        both[spoken] = {**said, "suite": WORDS["suite"][place], "titles": titles}
    return f'<script type="application/json" id="kogpt-words">{_json(both)}</script>'


def _json(value: object) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _address(headers: Headers, scope: Scope) -> str:
    """Where the page is to the outside: what a proxy says, else what the browser asked."""
    scheme = headers.get("x-forwarded-proto", scope.get("scheme", "http")).split(",")[0].strip()
    host = headers.get("x-forwarded-host", headers.get("host", "")).split(",")[0].strip()
    return f"{'https' if scheme == 'https' else 'http'}://{host}{scope.get('root_path', '')}/"
