"""What a newcomer waits for, from README's own command on: installing, the page, the models, and each function's first
answer on the page, over REST and by the command. JSON on stdout, a table on stderr.

    python benchmarks/first_minutes.py --out benchmarks/results/first-minutes.json

A copy of the repository is installed into a fresh environment with fresh caches by the command in README.md, so that
the base is prepared as well. `--only install` measures no more than that, `--only suite` all the rest in this Python's
environment; both may add to one --out. Each function answers its first example as it stands there: over REST as soon as
the models are loaded, on the page in Chromium (requirements-dev.txt), by `kogpt call` beside the running server, and by
`kogpt call` alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MAIN = re.compile(r"<!-- command: main -->\n```sh\n(?P<command>.*)\n```")
START = re.compile(r"&& (?P<python>\S+) -m demos$")
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["install", "suite"], help="measure the one half; default: both")
    parser.add_argument("--out", type=Path, help="write the JSON there as well, or add to what is there")
    options = parser.parse_args()
    figures = json.loads(options.out.read_text("utf-8")) if options.out and options.out.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        figures |= measured(Path(folder), options.only)
    text = json.dumps(figures, ensure_ascii=False, indent=2)
    print(text)
    print(table(figures), file=sys.stderr)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


def measured(folder: Path, only: str | None) -> dict[str, Any]:
    """All figures; seconds and megabytes (1 MB = 1,000,000 bytes)."""
    figures: dict[str, Any] = {"processor": processor(), "cores": cores(), "date": time.strftime("%Y-%m-%d")}
    figures["load_average_before"] = round(os.getloadavg()[0], 1)
    home, python = ROOT, sys.executable
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if only != "suite":
        home, python = folder / "clone", str(folder / "clone" / ".venv" / "bin" / "python")
        figures["install"] = install(home, environment)
    figures["python"] = output([python, "-c", "import platform; print(platform.python_version())"])
    figures["torch"] = output([python, "-c", "import importlib.metadata as m; print(m.version('torch'))"])
    if only == "install":
        return figures
    figures["help_seconds"] = repeated(lambda: run([python, "-m", "kogpt_funcs", "--help"], home, environment))
    from ports import free_port  # of tests/, on the path by now

    port = free_port()
    environment |= {"GRADIO_SERVER_PORT": str(port), "KOGPT_SERVER": f"http://127.0.0.1:{port}"}
    figures |= while_serving(folder, home, python, environment)
    del environment["KOGPT_SERVER"]
    figures["first_answer_seconds"]["command alone"] = by_command(home, python, environment)
    return figures


def while_serving(folder: Path, home: Path, python: str, environment: dict[str, str]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with server(home, python, environment) as (url, process, started):
        wait_for(url)
        figures["page_answers_after_seconds"] = since(started)
        wait_for(f"{url}/api/health")
        figures["models_ready_after_seconds"] = since(started)
        answers = figures["first_answer_seconds"] = {"REST": over_rest(url)}
        figures["first_paint_seconds"], answers["page"] = on_the_page(url, folder)
        answers["command beside the server"] = by_command(home, python, environment)
        figures["server_megabytes"] = resident(process.pid)
        figures["checkpoints"] = [model["name"] for model in ask(f"{url}/api/health")["models"]["checkpoints"]]
    return figures


def install(home: Path, environment: dict[str, str]) -> dict[str, Any]:
    """README's command up to the start, in a copy of what git tracks."""
    files = output(["git", "ls-files", "-z"], ROOT).split("\0")
    for name in filter(None, files):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, home / name)
    found = MAIN.search((ROOT / "README.md").read_text(encoding="utf-8"))
    if not found or not START.search(found["command"]):
        raise SystemExit("README.md has no command that ends in `-m demos` under <!-- command: main -->.")
    command = START.sub("", found["command"]).strip()
    started, before = time.monotonic(), os.times()
    subprocess.run(["bash", "-c", command], cwd=home, env=environment, check=True, stdout=sys.stderr)
    seconds, after = since(started), os.times()
    working = after.children_user + after.children_system - before.children_user - before.children_system
    size = megabytes(home / ".venv")
    return {"command": command, "seconds": seconds, "processor_seconds": round(working, 1), "megabytes": size}


@contextmanager
def server(
    home: Path, python: str, environment: dict[str, str]
) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    started = time.monotonic()
    process = subprocess.Popen([python, "-m", "demos"], cwd=home, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{environment['GRADIO_SERVER_PORT']}", process, started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def over_rest(url: str) -> dict[str, float]:
    """Seconds until each function's whole answer to its first example, in the order of the registry."""
    seconds = {}
    for function in ask(f"{url}/api/functions")["functions"]:
        started = time.monotonic()
        ask(f"{url}/api/{function['name']}", function["examples"][0])
        seconds[function["name"]] = since(started)
    return seconds


def on_the_page(url: str, folder: Path) -> tuple[float | None, dict[str, float] | None]:
    """Seconds to the first contentful paint of a visit, by the browser's own clock; and for each function from the
    pressing of the button to the end of the answer. None without Chromium.
    """
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        return None, None
    import httpx
    from browser import chromium
    from suite_server import Server

    seconds = {}
    with httpx.Client(base_url=url) as http, chromium(folder / "profile", "ko-KR") as page:
        suite = Server(url, ROOT, folder / "log", http)
        page.open(suite)
        script = "const p = performance.getEntriesByName('first-contentful-paint')[0]; return p && p.startTime"
        page.wait(lambda: page.driver.execute_script(script))
        paint = page.driver.execute_script(script)
        for function in ask(f"{url}/api/functions")["functions"]:
            name, example = function["name"], function["examples"][0]
            talks = httpx.get(f"{url}/talk/{name}/").is_success
            seconds[name] = (said_in_a_talk if talks else filled_in)(page, suite, name, example)
    return round(float(paint) / 1000, 2), seconds


def filled_in(page: Any, suite: Any, name: str, example: dict[str, Any]) -> float:
    """Seconds from the button to the end of the answer in a form."""
    page.open(suite, name)
    for field, value in example.items():
        if page.all(f"#{name}-{field} textarea"):
            page.put(name, field, value)
    started = time.monotonic()
    page.run(name)
    page.wait(lambda: page.answers(name) and not page.texts(f"#{name}-stop"))
    return since(started)


def said_in_a_talk(page: Any, suite: Any, name: str, example: dict[str, Any]) -> float:
    """Seconds from the sending of what is said to the whole reply."""
    page.driver.get(f"{suite.url}/talk/{name}/")
    page.wait(lambda: page.texts("#welcome, #turns .said"))
    started = time.monotonic()
    page.one("#message").send_keys(next(value for value in example.values() if isinstance(value, str)) + "\n")
    page.wait(lambda: page.all("#turns .assistant:not(.growing) .said"))
    return since(started)


def by_command(home: Path, python: str, environment: dict[str, str]) -> dict[str, float]:
    """Seconds of `kogpt call NAME` with each function's first example."""
    script = "import json; from kogpt_funcs.contract.registry import functions as all; "
    script += "print(json.dumps({f.name: f.examples[0] for f in all().values()}))"
    examples = json.loads(output([python, "-c", script], home))
    seconds = {}
    for name, example in examples.items():
        started = time.monotonic()
        run([python, "-m", "kogpt_funcs", "call", name, json.dumps(example)], home, environment)
        seconds[name] = since(started)
    return seconds


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = [("install", figures["install"]["seconds"])] if "install" in figures else []
    if "help_seconds" not in figures:
        return "\n".join(f"{name}: {seconds} s, {figures['install']['megabytes']:,} MB" for name, seconds in rows)
    rows += [("page answers after", figures["page_answers_after_seconds"])]
    rows += [("models ready after", figures["models_ready_after_seconds"])]
    rows += [("first paint of a visit", figures["first_paint_seconds"]), ("kogpt --help", figures["help_seconds"])]
    lines = ["| | seconds |", "|---|---:|", *(f"| {name} | {seconds} |" for name, seconds in rows)]
    surfaces = {name: seconds for name, seconds in figures["first_answer_seconds"].items() if seconds}
    lines += ["", f"| first answer, s | {' | '.join(surfaces)} |", "|---|" + "---:|" * len(surfaces)]
    for name in surfaces["REST"]:
        lines.append(f"| {name} | {' | '.join(str(seconds[name]) for seconds in surfaces.values())} |")
    if "install" in figures:
        lines += ["", f"The environment takes {figures['install']['megabytes']:,} MB."]
    lines.append(
        f"The server holds {figures['server_megabytes']:,} MB. {figures['processor']}, {figures['cores']} cores."
    )
    return "\n".join(lines)


def ask(url: str, data: dict[str, Any] | None = None) -> Any:
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)


def wait_for(url: str) -> None:
    until = time.monotonic() + 600
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=10).close()
        except OSError:  # nothing there yet, or 503 while models are loading
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"The server does not answer at {url}.")


def run(command: list[str], home: Path, environment: dict[str, str]) -> None:
    subprocess.run(command, cwd=home, env=environment, check=True, stdout=subprocess.DEVNULL)


def output(command: list[str], home: Path | None = None) -> str:
    return subprocess.run(command, cwd=home, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def repeated(action: Callable[[], None], times: int = 5) -> float:
    """Median seconds of `action`."""
    seconds = []
    for _ in range(times):
        started = time.monotonic()
        action()
        seconds.append(time.monotonic() - started)
    return round(statistics.median(seconds), 3)


def megabytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*")) // 1_000_000


def resident(pid: int) -> int:
    """Resident memory of the process in megabytes, where /proc tells it."""
    status = Path(f"/proc/{pid}/status").read_text() if Path("/proc").is_dir() else ""
    return next((int(line.split()[1]) // 1000 for line in status.splitlines() if line.startswith("VmRSS")), 0)


def processor() -> str:
    """The processor's name, and the instruction sets that the decoder's kernels can use."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    name = re.search(r"model name\s*: (.*)", info)
    flags = [flag for flag in ("avx2", "avx512_vnni", "amx_int8") if re.search(rf"\b{flag}\b", info)]
    return " ".join([name[1] if name else platform.processor(), *(f"({flag})" for flag in flags)])


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def since(started: float) -> float:
    return round(time.monotonic() - started, 2)


if __name__ == "__main__":
    main()
