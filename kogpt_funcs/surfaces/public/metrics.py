"""Figures for Prometheus at /metrics: what was asked and how long it took; the queue, the batch, tokens, caches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

import kogpt_funcs
from kogpt_funcs import models
from kogpt_funcs.surfaces import readiness

registry = CollectorRegistry()
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_ROUTE = ("method", "route")
requests = Counter("kogpt_http_requests", "Requests answered.", (*_ROUTE, "status"), registry=registry)
seconds = Histogram(
    "kogpt_http_request_seconds",
    "From a request's head to its answer's end.",
    _ROUTE,
    buckets=_SECONDS,
    registry=registry,
)
first_seconds = Histogram(
    "kogpt_http_first_byte_seconds", "To the head of the answer.", _ROUTE, buckets=_SECONDS, registry=registry
)
in_flight = Gauge("kogpt_http_requests_in_flight", "Requests not yet answered.", registry=registry)


class _Models(Collector):
    """What the model layer knows of itself, asked when Prometheus asks."""

    def collect(self) -> Iterable[Metric]:
        ready = float(readiness.ready())
        yield GaugeMetricFamily("kogpt_ready", "1 when every function can answer.", value=ready)
        yield from _queue()
        yield from _work()
        yield from _cache()


def _queue() -> Iterator[Metric]:
    load = models.load()
    yield GaugeMetricFamily("kogpt_queue_requests", "At work or waiting for a model.", value=load.admitted)
    yield GaugeMetricFamily("kogpt_queue_limit", "KOGPT_QUEUE.", value=load.limit)
    yield CounterMetricFamily("kogpt_queue_refused", "Told to come back, as the queue was full.", value=load.refused)


def _work() -> Iterator[Metric]:
    done = models.counts()
    yield CounterMetricFamily("kogpt_tokens_written", "Tokens drawn.", value=done.written)
    yield CounterMetricFamily("kogpt_tokens_read", "Tokens put through the network.", value=done.read)
    yield CounterMetricFamily("kogpt_tokens_reused", "Prompt tokens found in memory.", value=done.reused)
    counts, total = [], 0
    for most, count in done.batches.items():
        total += count
        counts.append((str(most) if most else "+Inf", total))
    batch = HistogramMetricFamily("kogpt_batch_size", "Sequences that shared a pass of the decoder.")
    batch.add_metric([], counts, done.sequences)
    yield batch


def _cache() -> Iterator[Metric]:
    held = models.resident()
    yield GaugeMetricFamily("kogpt_cache_bytes", "Memory of the loaded checkpoints.", value=held["bytes"])
    yield GaugeMetricFamily("kogpt_cache_budget_bytes", "KOGPT_CACHE_GB.", value=held["budget_bytes"])
    size = GaugeMetricFamily("kogpt_checkpoint_bytes", "Memory of a checkpoint.", labels=["checkpoint"])
    loads = CounterMetricFamily("kogpt_checkpoint_loads", "How often it was loaded.", labels=["checkpoint"])
    running = GaugeMetricFamily("kogpt_batch_requests", "Requests in the batch.", labels=["checkpoint"])
    waiting = GaugeMetricFamily("kogpt_batch_waiting", "Requests that wait to join it.", labels=["checkpoint"])
    prefixes = GaugeMetricFamily("kogpt_prefix_bytes", "Memory of prompts kept.", labels=["checkpoint"])
    for one in held["checkpoints"]:
        size.add_metric([one["name"]], one["bytes"])
        loads.add_metric([one["name"]], one["loads"])
        for family, member in ((running, "running"), (waiting, "waiting"), (prefixes, "prefix_bytes")):
            if member in one:
                family.add_metric([one["name"]], one[member])
    yield from (size, loads, running, waiting, prefixes)


registry.register(_Models())
_build = Gauge("kogpt_version", "1, with the version as a label.", ["version"], registry=registry)
_build.labels(kogpt_funcs.__version__).set(1)


async def metrics(request: Request) -> Response:
    """The figures as Prometheus' text."""
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
