"""A server that speaks as much of Open-Meteo, its geocoding and the share prices' JSON as the assistant asks of them,
faults included.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PLACES = {
    "서울": [{"name": "서울특별시", "latitude": 37.566, "longitude": 126.9784, "country_code": "KR"}],
    "부산": [{"name": "부산광역시", "latitude": 35.10168, "longitude": 129.03004, "country_code": "KR"}],
    "광주": [
        {"name": "광저우", "latitude": 23.11667, "longitude": 113.25, "country_code": "CN"},
        {"name": "광주광역시", "latitude": 35.15472, "longitude": 126.91556, "country_code": "KR"},
    ],
    "통영시": [{"name": "통영시", "latitude": 34.85, "longitude": 128.43333, "country_code": "KR"}],
}
FORECAST = {
    "current": {
        "time": "2026-11-25T13:00",
        "temperature_2m": 7.6,
        "relative_humidity_2m": 41,
        "weather_code": 3,
        "wind_speed_10m": 2.31,
    },
    "daily": {
        "time": ["2026-11-25", "2026-11-26", "2026-11-27"],
        "weather_code": [3, 61, 73],
        "temperature_2m_max": [9.1, 5.0, -1.2],
        "temperature_2m_min": [-0.6, 1.4, -7.9],
        "precipitation_probability_max": [10, 85, 70],
    },
}
SHARES = [
    {"code": "005935", "name": "삼성전자우", "nationCode": "KOR", "category": "stock"},
    {"code": "005930", "name": "삼성전자", "nationCode": "KOR", "category": "stock"},
    {"code": "SSNLF", "name": "삼성전자", "nationCode": "USA", "category": "stock"},
    {"code": "373220", "name": "LG에너지솔루션", "nationCode": "KOR", "category": "stock"},
]
QUOTES = {
    "005930": {
        "stockName": "삼성전자",
        "closePrice": "71,500",
        "compareToPreviousClosePrice": "-500",
        "compareToPreviousPrice": {"code": "5", "text": "하락"},
        "fluctuationsRatio": "-0.69",
        "marketStatus": "CLOSE",
        "localTradedAt": "2026-11-24T15:30:11+09:00",
    },
    "373220": {
        "stockName": "LG에너지솔루션",
        "closePrice": "402,000",
        "compareToPreviousClosePrice": "3,500",
        "compareToPreviousPrice": {"code": "2", "text": "상승"},
        "fluctuationsRatio": "0.88",
        "marketStatus": "OPEN",
        "localTradedAt": "2026-11-25T10:02:00+09:00",
    },
}


class Services(ThreadingHTTPServer):
    """`fault` is what every answer suffers from: "" (none), "500", "html", "shape", "slow" (a byte now and then) or
    "silent".
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.fault = ""
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def environment(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self.server_port}"
        return {
            "KOGPT_WEATHER_URL": f"{url}/v1/forecast",
            "KOGPT_GEOCODING_URL": f"{url}/v1/search",
            "KOGPT_STOCK_URL": url,
            "KOGPT_STOCK_SEARCH_URL": f"{url}/ac",
        }

    def answer(self, path: str, asked: dict[str, str]) -> tuple[int, Any]:
        if path == "/v1/search":
            found = PLACES.get(asked["name"])
            return 200, {"results": found, "generationtime_ms": 0.5} if found else {"generationtime_ms": 0.5}
        if path == "/v1/forecast" and asked.keys() >= {"latitude", "longitude", "current", "daily"}:
            return 200, FORECAST
        if path == "/ac":
            return 200, {"query": asked["q"], "items": [share for share in SHARES if asked["q"] in share["name"]]}
        quote = QUOTES.get(path.removeprefix("/api/stock/").removesuffix("/basic"))
        return (200, quote) if quote else (409, {"code": "StockConflict"})


class _Handler(BaseHTTPRequestHandler):
    server: Services

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.asked.append((url.path, asked))
        fault = self.server.fault
        status, data = (
            (500, {"error": True})
            if fault == "500"
            else (200, {})
            if fault == "shape"
            else self.server.answer(url.path, asked)
        )
        body = b"<html>" if fault == "html" else json.dumps(data).encode()
        if fault == "silent":
            time.sleep(4)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for i in range(0, len(body), 8 if fault == "slow" else len(body)):
            self.wfile.write(body[i : i + (8 if fault == "slow" else len(body))])
            time.sleep(0.5 if fault == "slow" else 0)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Quiet(Services):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no fault of the server."""


@contextmanager
def serving() -> Iterator[Services]:
    server = _Quiet()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
