"""What a newcomer waits for: `kogpt --help`, the start, the page's first paint, each function's first answer. Prints
JSON.

    python benchmarks/first_minutes.py

The server is a fresh process on a free port; the first answers are asked one after another as soon as /api/health
says that the models are loaded. The first paint is Chromium's, where Chromium and its driver are installed.
"""

from __future__ import annotations

import json
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
CHROMIUM = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def main() -> None:
    figures: dict[str, Any] = {"python": platform.python_version(), "help_seconds": help_seconds()}
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    server = subprocess.Popen([sys.executable, "-m", "demos", "--port", str(port)], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_for(url)
        figures["page_answers_after_seconds"] = since(started)
        wait_for(f"{url}/api/health")
        figures["models_ready_after_seconds"] = since(started)
        figures["first_answer_seconds"] = first_answers(url)
        figures["first_paint_seconds"] = first_paint(url)  # of a visit, once the page answers
        figures["resident"] = ask(f"{url}/api/health")["models"]["checkpoints"]
        figures["server_megabytes"] = megabytes(server.pid)
    finally:
        server.terminate()
        server.wait()
    print(json.dumps(figures, ensure_ascii=False, indent=2))


def help_seconds(runs: int = 5) -> float:
    """Median wall time of `kogpt --help`."""
    times = []
    for _ in range(runs):
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "kogpt_funcs", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - started)
    return round(statistics.median(times), 3)


def first_answers(url: str) -> dict[str, float]:
    """Seconds until each function's first answer, 32 tokens where it writes, in the order of the registry."""
    seconds = {}
    for function in ask(f"{url}/api/functions")["functions"]:
        data = dict(function["examples"][0])
        if "max_new_tokens" in function["input_schema"]["properties"]:
            data |= {"max_new_tokens": 32}
        if "num_samples" in data:
            data |= {"num_samples": 1}
        started = time.monotonic()
        ask(f"{url}/api/{function['name']}", data)
        seconds[function["name"]] = since(started)
    return seconds


def first_paint(url: str) -> float | None:
    """Seconds from the visit to the first contentful paint, by the browser's own clock; None without Chromium."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return None
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    with tempfile.TemporaryDirectory() as profile:
        for argument in (*CHROMIUM, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            browser.get(url)
            script = "const p = performance.getEntriesByName('first-contentful-paint')[0]; return p && p.startTime"
            while (paint := browser.execute_script(script)) is None:
                time.sleep(0.05)
        finally:
            browser.quit()
    return round(float(paint) / 1000, 2)


def ask(url: str, data: dict[str, Any] | None = None) -> Any:
    body = None if data is None else json.dumps(data).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=120
    ) as answer:
        return json.load(answer)


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=10).close()
        except OSError:  # nothing there yet, or 503 while models are loading
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"The server does not answer at {url}.")


def megabytes(pid: int) -> int:
    """Resident memory of the process, where /proc tells it."""
    status = Path(f"/proc/{pid}/status").read_text() if Path("/proc").is_dir() else ""
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def since(started: float) -> float:
    return round(time.monotonic() - started, 2)


if __name__ == "__main__":
    main()
