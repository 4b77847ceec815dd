"""Which pages may call from a browser (CORS), and by which names this server may be called."""

from __future__ import annotations

from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.surfaces.public.refusals import Refusal

LOCAL = ("127.0.0.1", "localhost", "::1")


class WrongHost(KogptError):
    """The Host header is not among KOGPT_HOSTS."""

    code = "wrong_host"


class Hosts:
    """ASGI middleware: 421 where KOGPT_HOSTS does not have the name that was called. Local names always do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hosts = settings.current().public.hosts
        if scope["type"] != "http" or not hosts or _named(_host(scope), hosts):
            await self.app(scope, receive, send)
            return
        await Refusal(scope, WrongHost("이 서버의 이름이 아닙니다. 알려 받은 주소로 다시 불러 주세요."))(receive, send)


class Origins:
    """ASGI middleware: closed to the pages of other origins, but for KOGPT_ORIGINS.

    A page of this machine may call a server that is called by a local name, as Gradio has it. Whatever Gradio allows
    beyond that is taken back.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        origins = settings.current().public.origins
        self._opened = CORSMiddleware(app, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = Headers(scope=scope).get("origin", "").lower() if scope["type"] == "http" else ""
        if not origin:
            await self.app(scope, receive, send)
        elif "*" in self._origins or origin in self._origins:
            await self._opened(scope, receive, send)
        elif _host(scope) in LOCAL and urlsplit(origin).hostname in LOCAL:
            await self.app(scope, receive, send)
        else:
            await self._closed(scope, receive, send)

    async def _closed(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def silent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
            await send(message)

        await self.app(scope, receive, silent)


def _host(scope: Scope) -> str:
    """The name in the Host header, without its port."""
    try:
        return (urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or "").lower()
    except ValueError:
        return ""


def _named(host: str, names: tuple[str, ...]) -> bool:
    return host in LOCAL or any(fnmatchcase(host, name.strip("[]")) for name in names)
