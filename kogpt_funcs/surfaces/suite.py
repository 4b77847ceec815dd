"""Starts the whole suite in one process: the page at /, REST under /api, MCP under /mcp."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from kogpt_funcs.contract import identity, settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.registry import functions, get
from kogpt_funcs.surfaces import memory, readiness, uploads
from kogpt_funcs.surfaces.public import tracing, wrapping

_AGAIN_SECONDS = 30  # between tries of a function that cannot answer
_SESSIONS = 500  # visitors whose page state is kept; Gradio's default of 10,000 would cost gigabytes

log = logging.getLogger(__name__)


def launch(
    names: Sequence[str] | None = None, host: str | None = None, port: int | None = None, *, warm: bool = True
) -> NoReturn:
    """Serves the functions called `names` (default: all) until Ctrl-C or SIGTERM, which end the process with status 0.

    `host` and `port` default to GRADIO_SERVER_NAME and GRADIO_SERVER_PORT, then to 127.0.0.1:7860. If it is not
    to be `warm`, the first visitor waits for the models. Raises UnknownFunction, or KogptError when it cannot listen.
    """
    identity.configuration()  # of the files as they are now; a wrong setting is told before anything heavy is loaded
    wrapping.check()
    memory.keep_small()
    shown = [get(name) for name in dict.fromkeys(names or [])] or list(functions().values())
    host = (host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1").strip("[]")
    port = _free(host, _port(port))
    over = threading.Event()

    def stop(*_: Any) -> None:
        if over.is_set():  # told twice: whoever runs this does not want to wait
            os._exit(0)
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if warm:
        readiness.loading.set()  # until the warm-up is over: the page does not wait for it, health tells of it
    blocks = _start(shown, host, port)
    print(blocks.local_url, flush=True)
    if warm:
        threading.Thread(target=_warm_up, args=(shown,), name="kogpt-warm-up", daemon=True).start()
    over.wait()
    _end(blocks)


def _start(shown: list[Function], host: str, port: int) -> Any:
    from gradio import http_server
    from starlette.middleware import Middleware

    from kogpt_funcs.surfaces import routes
    from kogpt_funcs.surfaces.ceiling import Ceiling
    from kogpt_funcs.surfaces.page import head, theme
    from kogpt_funcs.surfaces.page.page import page, threads

    # Gradio asks its own server whether it answers: no proxy may stand between.
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost", "::1", host)))
    # In a Space Gradio would start a hot reloader, which needs a module-level `demo`; it ends in a stack trace here.
    http_server.get_space = lambda: None  # type: ignore[attr-defined]
    blocks, i18n = page(shown)
    blocks.launch(
        server_name=f"[{host}]" if ":" in host else host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        show_error=False,
        share=False,
        inbrowser=False,
        max_threads=threads(),
        max_file_size=uploads.MOST_BYTES,
        state_session_capacity=_SESSIONS,
        enable_monitoring=False,
        run_history=False,
        footer_links=["api"],
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        i18n=i18n,
        theme=theme.theme(),
        css_paths=head.STYLES,
        favicon_path=head.ICON,
        app_kwargs={
            "routes": [*routes.routes(host), *head.routes()],
            "lifespan": routes.lifespan,
            "middleware": [Middleware(Ceiling), Middleware(head.Head, functions=shown)],
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
        },
    )
    return blocks


def _end(blocks: Any) -> NoReturn:
    """Ends once those who were let in have been answered, within KOGPT_STOP_SECONDS and a little; open pages hold
    their connections, and threads may be busy inside torch.
    """
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # connections that are cut now are no news
    told = blocks.app.state.stopping.drain(settings.current().public.stop_seconds)
    if told:
        print(f"Stopped with {told} requests under way; each has been told.", file=sys.stderr, flush=True)
    tracing.end()
    blocks.server.config.timeout_graceful_shutdown = 1
    blocks.close(verbose=False)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # an orderly exit would abort: Python unwinds its daemon threads through torch's C++ frames


def _port(port: int | None) -> int:
    text = os.environ.get("GRADIO_SERVER_PORT") or "7860"
    if not text.isdecimal():  # Gradio reads it at import, whatever the option says
        raise KogptError(f"GRADIO_SERVER_PORT has value {text!r}. It must be a number from 0 to 65535.")
    return int(text) if port is None else port


def _free(host: str, port: int) -> int:
    """`port`, or any free one for 0. Asked here because Gradio would go on to the next port, or say less."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        raise KogptError(f"Cannot listen on {host}:{port}: {error}. Choose another port: --port 7861.") from None


def _warm_up(shown: list[Function]) -> None:
    """Answers each function's first example, short, so that no visitor waits for torch and the checkpoints; one that
    cannot is asked again until it can.
    """
    readiness.failing.update(function.name for function in shown)
    for function in shown:
        _try(function)
    memory.settle()
    readiness.loading.clear()
    while readiness.failing:
        time.sleep(_AGAIN_SECONDS)
        for function in shown:
            if function.name in readiness.failing:
                _try(function, quiet=True)


def _try(function: Function, *, quiet: bool = False) -> None:
    example = dict(function.examples[0])
    if "max_new_tokens" in function.fields:
        example["max_new_tokens"] = 8
    try:
        function.call(function.parse(example))
    except KogptError as error:
        if not quiet:
            print(f"{function.name}: {error}", file=sys.stderr, flush=True)
    except Exception:
        if not quiet:
            log.exception("%s fails on its own first example", function.name)
    else:
        readiness.failing.discard(function.name)
