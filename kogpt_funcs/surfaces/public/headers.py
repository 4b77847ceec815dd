"""Security headers for every answer. The page is Gradio, whose scripts are its own but whose markup has scripts inside.

Sources: OWASP Secure Headers Project; MDN, Content-Security-Policy.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kogpt_funcs.contract import settings

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Nothing from elsewhere. Gradio and Swagger write scripts and styles into their markup; both compile templates.
_PAGE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; worker-src 'self' blob:; "
    "connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'"
)
_DATA = "default-src 'none'"
_POLICIES = {"text/html": _PAGE, "application/json": _DATA, "text/plain": _DATA, "text/event-stream": _DATA}
_YEAR = 31_536_000


class SecurityHeaders:
    """ASGI middleware. A header that an answer has already stays as it is; a policy hears who may frame it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        frames = settings.current().public.frames
        self._frames = " ".join(["frame-ancestors", "'self'", *frames])
        self._framed = bool(frames)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), https=scope.get("scheme") == "https")
            await send(message)

        await self.app(scope, receive, secured)

    def _add(self, headers: MutableHeaders, *, https: bool) -> None:
        kind = headers.get("content-type", "").partition(";")[0]
        if policy := _POLICIES.get(kind):
            policy = headers.get("Content-Security-Policy", policy)
            if "frame-ancestors" not in policy:
                headers["Content-Security-Policy"] = f"{policy}; {self._frames}"
        if not self._framed:
            headers.setdefault("X-Frame-Options", "SAMEORIGIN")
        if https:
            headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR}")
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
