"""OpenTelemetry, where it is installed and an OTEL_EXPORTER_OTLP_ENDPOINT is set: a span a request, in its caller's
trace. It holds what the log holds, no more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import kogpt_funcs
from kogpt_funcs.contract.errors import KogptError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_tracer: Any = None


def configure() -> None:
    """Begins to export spans, where the environment says to whom. Raises KogptError where a package is missing."""
    global _tracer
    if not any(os.environ.get(name) for name in _ENDPOINTS) or _tracer is not None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise KogptError("Traces need OpenTelemetry: pip install 'kogpt-funcs[tracing]'") from None
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "kogpt-funcs")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("kogpt_funcs", kogpt_funcs.__version__)


@contextmanager
def span(method: str, headers: dict[str, str]) -> Iterator[Any]:
    """A span around a request, a child of the one in its `traceparent`; None where nothing is traced."""
    if _tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract(headers)
    with _tracer.start_as_current_span(method, context=parent, kind=SpanKind.SERVER) as current:
        yield current


def told(current: Any, members: dict[str, Any]) -> None:
    """Names the span by its route, and gives it what the log says of the request."""
    if current is None:
        return
    current.update_name(f"{members['method']} {members['route']}")
    current.set_attributes(
        {
            "http.request.method": members["method"],
            "http.route": members["route"],
            "http.response.status_code": members["status"],
            "kogpt.request": members["request"],
        }
    )


def end() -> None:
    """Sends what has not been sent yet, before the process ends."""
    if _tracer is not None:
        _tracer.span_processor.force_flush(1000)
