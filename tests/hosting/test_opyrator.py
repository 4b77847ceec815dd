"""Opyrator 0.0.12, unmodified, in its own environment: `call`, `launch-api` and `launch-ui` on every function.

That the files of the functions import under pydantic 1 is tested without it, in end_to_end/test_package.py.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import Page, chromium
from package_copy import ROOT
from packaging.requirements import Requirement
from places import lines
from ports import answered, free_port
from selenium.webdriver.common.keys import Keys
from venvs import environment

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.function import Function

FUNCTIONS = list(registry.functions().values())
REQUIREMENTS = ROOT / "requirements-opyrator.txt"
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


def test_its_requirements_are_pinned_and_share_our_versions_where_they_can() -> None:
    lines = [line for line in REQUIREMENTS.read_text("utf-8").splitlines() if not line.startswith("#")]
    pins = {Requirement(line).name: str(Requirement(line).specifier) for line in lines}
    assert all(pin.startswith("==") for pin in pins.values())
    assert (pins["opyrator"], pins["pydantic"][:4]) == ("==0.0.12", "==1.")
    for name in ("torch", "tokenizers", "safetensors", "numpy", "gguf", "peft"):
        assert pins[name] == f"=={importlib.metadata.version(name).split('+')[0]}"


@pytest.fixture(scope="module")
def opyrator() -> Path:
    return environment("opyrator", "-r", REQUIREMENTS) / "opyrator"


def target(function: Function) -> str:
    return f"kogpt_funcs.{function.name}:{function.name}"


@contextmanager
def launched(opyrator: Path, kind: str, function: Function, there: str) -> Iterator[str]:
    """The address of `opyrator KIND` on the function; `there` answers when it is up."""
    port = free_port()
    server = subprocess.Popen(
        [opyrator, kind, target(function), "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answered(f"http://127.0.0.1:{port}{there}", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # launch-ui starts a shell, which starts Streamlit
        server.wait(timeout=30)


def asked(function: Function) -> dict[str, Any]:
    """The first example as the form of Opyrator sends it: numbers that may be left out stand at their least."""
    given = {function.main_field: function.examples[0][function.main_field]}
    least = {name: shape.low for name, shape in function.fields.items() if shape.optional and shape.number}
    return {**given, **least}


def texts(answer: Any) -> list[str]:
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list):
        return [text for part in answer for text in texts(part)]
    return [answer] if isinstance(answer, str) else []


@pytest.mark.soak
def test_the_line_of_the_docs_answers(opyrator: Path) -> None:
    line = next(line for line in lines("opyrator") if " call " in line)
    command = line.replace(".venv-opyrator/bin/opyrator", str(opyrator))
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"]


@pytest.mark.soak
@every_function
def test_call(opyrator: Path, function: Function) -> None:
    line = [opyrator, "call", target(function), json.dumps(asked(function))]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    function.output.model_validate(json.loads(done.stdout))


@pytest.mark.soak
@every_function
def test_api_and_page(opyrator: Path, function: Function, tmp_path: Path) -> None:
    """The page's answer is the API's, and wrong input is told, not thrown."""
    with launched(opyrator, "launch-api", function, "/openapi.json") as api:
        answer = httpx.post(f"{api}/call", json=asked(function), timeout=300)
        refused = httpx.post(f"{api}/call", json={**asked(function), function.main_field: "가" * 200_000}, timeout=60)
    assert answer.status_code == 200, answer.text
    function.output.model_validate(answer.json())
    assert refused.status_code == 422
    with launched(opyrator, "launch-ui", function, "/healthz") as url, chromium(tmp_path / "profile", "ko") as page:
        page.driver.get(url)
        fill(page, function)
        shown = executed(page)
        page.driver.save_screenshot(str(tmp_path / "page.png"))
    for text in texts(answer.json()):
        assert " ".join(text.split()) in shown


def fill(page: Page, function: Function) -> None:
    field = f':is(textarea, input)[aria-label="{function.fields[function.main_field].title}"]'
    page.wait(lambda: page.all(field))
    page.one(field).send_keys(function.examples[0][function.main_field], Keys.CONTROL, Keys.ENTER)
    page.wait(lambda: not page.all("[data-testid=stStatusWidget]"))


def executed(page: Page) -> str:
    """What the page shows after Execute; it must be no error."""
    button = next(b for b in page.all("button") if b.text == "Execute")
    button.click()
    page.wait(
        lambda: [b for b in page.all("button") if b.text == "Show JSON Output"] or page.all(".stAlert, .stException")
    )
    assert page.texts(".stAlert, .stException") == []
    return " ".join(page.one("body").text.split())
