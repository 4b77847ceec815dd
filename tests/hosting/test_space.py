"""Hugging Face Spaces: what `kogpt space` writes, that it starts as it lies there, and that the Hub would take it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from package_copy import ROOT, run
from packaging.requirements import Requirement
from places import lines
from ports import free_port
from pydantic import ValidationError
from venvs import environment

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.hosting.front_matter import FrontMatter
from kogpt_funcs.hosting.space import MOST_BYTES, SUITE, Space, write

ASK = Path(__file__).with_name("ask_space.py")
NAMES = [*registry.names(), SUITE]


def written(folder: Path, *arguments: str, **how: str | bool) -> Path:
    write(Space(*arguments, **how), folder)  # type: ignore[arg-type]
    return folder


def front(space: Path) -> dict[str, object]:
    return yaml.safe_load((space / "README.md").read_text("utf-8").split("---\n")[1])


def carried(space: Path) -> list[str]:
    return sorted(path.stem for path in (space / "kogpt_funcs").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("base", ["gemma", "small"])
@pytest.mark.parametrize("name", NAMES)
def test_a_space_is_whole_and_small(tmp_path: Path, name: str, base: str) -> None:
    space = written(tmp_path / "space", name, base)
    assert FrontMatter.model_validate(front(space))
    assert sum(path.stat().st_size for path in space.rglob("*") if path.is_file()) < MOST_BYTES
    functions = registry.names() if name == SUITE else [name]
    assert set(functions) <= set(carried(space))
    licences = (space / "README.md").read_text("utf-8")
    for card in (space / "weights").rglob("README.md"):
        assert str(card.parent.relative_to(space)) in licences or "license" not in card.read_text("utf-8")
    gemma = base == "gemma"
    assert (front(space)["license"] == "gemma") is gemma
    assert (space / "GEMMA_TERMS.html").is_file() is gemma
    assert ("Gemma Terms of Use found at ai.google.dev/gemma/terms" in licences) is gemma
    assert ("gemma3-270m" in (space / "requirements.txt").read_text("utf-8")) is gemma


def test_only_what_is_needed_is_carried(tmp_path: Path) -> None:
    space = written(tmp_path / "one", "continue_text", "gemma")
    assert carried(space) == ["continue_text"]
    assert {path.name for path in (space / "kogpt_funcs").iterdir() if path.is_dir()} == {
        "contract",
        "data",
        "korean",
        "models",
        "surfaces",
    }
    assert not list((space / "weights").rglob("*.safetensors"))
    talk = written(tmp_path / "talk", "chat", "gemma")
    assert carried(talk) == ["chat", "classify_emotion"]  # it reads emotions
    assert (talk / "weights/retrieval/vectors.safetensors").is_file()
    assert not (talk / "weights/gemma/change_style").exists()


def test_a_non_commercial_adapter_makes_the_space_non_commercial(tmp_path: Path) -> None:
    assert front(written(tmp_path / "style", "change_style", "small"))["license"] == "cc-by-nc-4.0"
    assert front(written(tmp_path / "comment", "write_comment", "small"))["license"] == "cc-by-sa-4.0"


def test_a_gradio_space_can_be_built_with_what_the_hub_adds(tmp_path: Path) -> None:
    """The builder installs gradio[oauth,mcp] besides, which wants an older pydantic and the MCP SDK below 2."""
    space = written(tmp_path / "space", "change_style", "gemma")
    lines = [line for line in (space / "requirements.txt").read_text().splitlines() if not line.startswith("--")]
    wanted = {Requirement(line).name: Requirement(line).specifier for line in lines}
    assert "mcp" not in wanted
    assert "gradio" not in wanted
    assert wanted["pydantic"].contains("2.12.5")
    assert (space / "mcp/__init__.py").is_file()
    assert (space / "mcp/LICENSE").is_file()
    assert (space / "mcp_types/LICENSE").is_file()


def test_zero_gpu_gets_what_it_takes(tmp_path: Path) -> None:
    space = written(tmp_path / "space", "change_style", "gemma", zero_gpu=True)
    said = front(space)
    assert (said["python_version"], said["suggested_hardware"], said["sdk"]) == ("3.12.12", "zero-a10g", "gradio")
    lines = (space / "requirements.txt").read_text().splitlines()
    assert "torch==2.11.0" in lines  # the newest that ZeroGPU takes
    assert "spaces" in lines
    assert "from kogpt_funcs.hosting.zero_gpu import launch" in (space / "app.py").read_text()
    assert not (written(tmp_path / "other", "change_style", "gemma") / "kogpt_funcs/hosting").exists()


def test_a_docker_space_prepares_its_base_while_it_is_built(tmp_path: Path) -> None:
    space = written(tmp_path / "space", SUITE, "gemma", sdk="docker")
    said, docker = front(space), (space / "Dockerfile").read_text()
    assert (said["sdk"], said["app_port"]) == ("docker", 7860)
    assert "useradd --create-home --uid 1000 user" in docker
    assert "checkpoints.folder('gemma')" in docker
    assert not (space / "mcp").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("colorFrom", "teal"),
        ("sdk", "streamlit"),
        ("sdk_version", "latest"),
        ("python_version", "2.7"),
        ("app_file", "../app.py"),
        ("suggested_hardware", "a-big-one"),
        ("short_description", "x" * 61),
        ("colourFrom", "red"),
        ("app_port", 7860),
    ],
)
def test_wrong_front_matter_is_refused(tmp_path: Path, key: str, value: object) -> None:
    said = front(written(tmp_path / "space", "continue_text", "gemma"))
    if key == "app_port":
        said = {**said, "sdk": "docker"}
    with pytest.raises(ValidationError):
        FrontMatter.model_validate({**said, key: value})


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        (Space("change_styl", "gemma"), "'change_style' 말인가요?"),
        (Space("change_style", "no_such_base"), "No checkpoint 'no_such_base'"),
        (Space("change_style", "/etc"), "on this machine alone"),
        (Space("change_style", "http://127.0.0.1:8000/v1"), "URL#MODEL"),
        (Space("change_style", "gemma", "docker", True), "ZeroGPU takes Gradio Spaces alone"),
    ],
)
def test_a_space_that_would_not_start_is_not_written(tmp_path: Path, space: Space, sentence: str) -> None:
    with pytest.raises(KogptError, match=re.escape(sentence)):
        write(space, tmp_path / "space")
    assert not (tmp_path / "space").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = run("space", "continue_text", "--out", tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"not an empty folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_line_of_the_docs_writes_a_space(tmp_path: Path) -> None:
    (line,) = lines("space")
    command = line.replace("kogpt ", f"{sys.executable} -m kogpt_funcs ", 1)
    told = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, env=told, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "space/app.py").is_file()


def test_a_written_space_starts_and_answers(tmp_path: Path) -> None:
    """In this environment; the soak below does so in one of its own, as the Hub's user, without a network."""
    done = run("space", "classify_emotion", "--base", "small", "--out", tmp_path / "space")
    assert done.returncode == 0, done.stderr.decode()
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KOGPT_", "PYTHON"))}
    hub = {"SYSTEM": "spaces", "SPACE_ID": "me/demo", "GRADIO_SERVER_PORT": str(port), "HF_HUB_OFFLINE": "1"}
    server = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=tmp_path / "space",
        env={**environment, **hub},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        asked = [sys.executable, ASK, tmp_path / "space", f"http://127.0.0.1:{port}"]
        answers = subprocess.run(asked, capture_output=True, text=True, timeout=300, env=environment)
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=60)
    assert answers.returncode == 0, answers.stderr + said
    assert [line.split()[:2] for line in answers.stdout.splitlines()] == [
        ["classify_emotion", "REST"],
        ["classify_emotion", "MCP"],
    ]
    assert "Traceback" not in said
    assert server.returncode == 0


@contextmanager
def folder_of_user_1000() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        (folder / "home").mkdir()
        os.chown(folder / "home", 1000, 1000)
        yield folder


@pytest.mark.soak
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root, to be another user offline")
@pytest.mark.parametrize(
    ("name", "sdk", "more"),
    [
        (SUITE, "gradio", []),
        ("change_style", "gradio", []),
        ("chat", "gradio", ["--zero-gpu"]),
        (SUITE, "docker", []),
    ],
)
def test_a_space_answers_as_the_hub_runs_it(name: str, sdk: str, more: list[str]) -> None:
    """A fresh environment by the Space's own requirements and what the Hub adds; user 1000; an empty HOME; no network
    but the loopback; its variables. The base is prepared on this first start. A Space for ZeroGPU runs in the
    environment of a plain one: on hardware without ZeroGPU its decorator does nothing.
    """
    with folder_of_user_1000() as folder:
        space = folder / "home" / "app"
        for out, options in ((folder / "space", more), (folder / "plain", [])):
            done = run("space", name, "--sdk", sdk, "--base", "gemma", *options, "--out", out)
            assert done.returncode == 0, done.stderr.decode()
        shutil.copytree(folder / "space", space)
        added = [f"gradio[oauth,mcp]=={front(space)['sdk_version']}", "uvicorn>=0.14.0", "spaces"]
        binaries = environment(
            "space", "-r", folder / "plain" / "requirements.txt", *(added if sdk == "gradio" else [])
        )
        os.chown(space, 1000, 1000)
        hub = {
            "HOME": str(folder / "home"),
            "PATH": f"{binaries}:/usr/bin:/bin",
            "SYSTEM": "spaces",
            "SPACE_ID": "me/demo",
            "SPACE_AUTHOR_NAME": "me",
            "SPACE_REPO_NAME": "demo",
            "SPACE_TITLE": "demo",
            "SPACE_HOST": "me-demo.hf.space",
            "CPU_CORES": "2",
            "MEMORY": "16Gi",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
            "PYTHONUNBUFFERED": "1",
        }
        start = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "python", "app.py"]
        server = subprocess.Popen(
            ["unshare", "--net", "bash", "-c", f"ip link set lo up && exec {' '.join(start)}"],
            cwd=space,
            env=hub,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            inside = ["nsenter", f"--net=/proc/{server.pid}/ns/net"]
            ask = [*inside, binaries / "python", ASK, space, "http://127.0.0.1:7860"]
            answers = subprocess.run(ask, capture_output=True, text=True, timeout=900, env=hub, cwd=space)
        finally:
            server.terminate()
            said, _ = server.communicate(timeout=60)
        assert answers.returncode == 0, answers.stderr + said
        shown = [line.split()[0] for line in answers.stdout.splitlines() if "not on the page" not in line]
        assert set(shown) == set(registry.names() if name == SUITE else [name])
        assert "Traceback" not in said
        assert (folder / "home/.cache/kogpt").is_dir()
