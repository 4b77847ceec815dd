"""How much a key or an address may ask: rates and quotas, counted by the library `limits`."""

from __future__ import annotations

import functools
import math
import time
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError
from limits.storage import storage_from_string
from starlette.types import ASGIApp, Receive, Scope, Send

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.surfaces.public.refusals import Refusal

#: Where a key's id and its own limit stand in the scope, once they are known.
KEY, LIMIT = "kogpt.key", "kogpt.limit"
_ASKS_NOTHING = ("GET", "HEAD", "OPTIONS")


class RateLimited(KogptError):
    """A key or an address has asked all that it may for now."""

    code = "rate_limited"

    def __init__(self, rate: RateLimitItem, seconds: int) -> None:
        self.retry_after = seconds
        super().__init__(
            f"정해진 만큼 다 쓰셨습니다({rate}). {seconds:,}초 뒤에 다시 시도해 주세요.",
            f"That is all that is allowed for now ({rate}). Try again in {seconds:,} seconds.",
        )


async def charge(kind: str, who: str, limit: str, cost: int = 1) -> None:
    """Counts `cost` requests of `who`; RateLimited if that is more than `limit` allows."""
    for rate in _rates(limit):
        name = kind, who
        if not await _limiter().hit(rate, *name, cost=cost):
            reset = (await _limiter().get_window_stats(rate, *name)).reset_time
            raise RateLimited(rate, max(1, math.ceil(reset - time.time())))


async def charge_key(scope: Scope, cost: int = 1) -> None:
    """Counts `cost` requests of the key that `scope` carries, if it carries one."""
    if key := scope.get(KEY):
        await charge("key", key, scope.get(LIMIT) or settings.current().public.key_limit, cost)


async def charge_items(scope: Scope, items: int) -> None:
    """A request that asks `items` things at once counts as so many, for its key and its address."""
    if items > 1:
        await charge_key(scope, items - 1)
        await charge("address", _address(scope), settings.current().public.address_limit, items - 1)


def check() -> None:
    """Raises KogptError where KOGPT_LIMITS_STORE names nothing that counts."""
    _limiter()


class AddressLimit:
    """ASGI middleware: KOGPT_ADDRESS_LIMIT on every request that asks for work, page and stories included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = settings.current().public.address_limit
        if limit and scope["type"] == "http" and scope["method"] not in _ASKS_NOTHING:
            try:
                await charge("address", _address(scope), limit)
            except RateLimited as error:
                await Refusal(scope, error)(receive, send)
                return
        await self.app(scope, receive, send)


def _address(scope: Scope) -> str:
    """Whose it is: an IPv4 address, or the network of an IPv6 one, as a household has 2^64 of those."""
    host = (scope.get("client") or ("unknown", 0))[0]
    return ":".join(host.split(":")[:4]) if ":" in host else host


@functools.cache
def _rates(limit: str) -> list[RateLimitItem]:
    return parse_many(limit) if limit else []


@functools.cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    address = settings.current().public.limits_store
    try:
        store = storage_from_string(f"async+{address}")
    except (ConfigurationError, ImportError, ValueError) as error:  # its words may hold the store's password
        scheme = urlsplit(address).scheme
        raise KogptError(
            f"KOGPT_LIMITS_STORE has the scheme {scheme!r} and cannot be used ({type(error).__name__}). "
            "It is memory://, or redis://HOST:PORT with: pip install redis"
        ) from None
    assert isinstance(store, Storage)
    return SlidingWindowCounterRateLimiter(store)
