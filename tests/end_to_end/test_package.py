"""What ships: licences, model cards, pinned versions, a portable contract, and room for a seventh function."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from package_copy import ROOT, SEVENTH, copy_package, run
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ports import answered, free_port

from kogpt_funcs.contract.registry import functions, names

FUNCTIONS = list(functions().values())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RANGES = {
    canonicalize_name(requirement.name): requirement.specifier
    for text in [
        *PROJECT["dependencies"],
        *(text for extra in PROJECT["optional-dependencies"].values() for text in extra),
    ]
    for requirement in [Requirement(text)]
}


def shipped() -> list[Path]:
    """The files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
    return {canonicalize_name(requirement.name): str(requirement.specifier).removeprefix("==") for requirement in found}


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License\n" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == "Apache-2.0"


def test_every_checkpoint_has_a_model_card() -> None:
    folders = {path.parent for path in (ROOT / "weights").rglob("*.safetensors")}
    assert folders, "weights/ is empty"
    for folder in folders:
        card = (folder / "README.md").read_text("utf-8")
        _, front, text = card.split("---\n", 2)
        assert yaml.safe_load(front)["license"], folder
        assert re.search("kogpt (train|index)", text), f"{folder}: the card names no command that trained it"
        assert re.search(r"^#+ .*(?:data|자료|데이터)", text, re.IGNORECASE | re.MULTILINE), (
            f"{folder}: no section on data"
        )
        assert re.search(r"held[- ]out[^.]*\d", text, re.IGNORECASE | re.DOTALL), f"{folder}: no held-out figures"


def test_no_file_names_a_folder_of_the_machine_it_was_made_on() -> None:
    elsewhere = re.compile(r"(?<![\w.:/)}>-])/(?:work|root|tmp/\w|opt|mnt|srv|Users|home/(?!user\b))\b/?[\w.-]*")
    found = []
    for path in shipped():
        content = path.read_bytes()
        if path.suffix != ".safetensors" and b"\0" not in content:
            found += [
                f"{path.relative_to(ROOT)}: {match}" for match in elsewhere.findall(content.decode("utf-8", "replace"))
            ]
    assert found == []


def test_a_clone_is_small() -> None:
    """Seven sets of weights on two bases, and an index."""
    assert sum(path.stat().st_size for path in shipped()) < 110_000_000


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_pins_are_exact_tested_and_within_the_ranges(name: str) -> None:
    for package, version in pins(name).items():
        assert re.fullmatch(r"[\d.]+", version), f"{name}: {package} is not pinned"
        assert importlib.metadata.version(package).split("+")[0] == version
        assert package not in RANGES or RANGES[package].contains(version)


def test_what_the_suite_imports_is_required() -> None:
    """Everything outside training/, evaluation/, data/, command/ and benchmarking/ by requirements.txt and
    pyproject.toml alone: a Space installs nothing else.
    """
    running, developing = pins("requirements.txt"), pins("requirements-dev.txt")
    elsewhere = set(pins("requirements-ray.txt"))  # in an environment of its own
    assert set(running) == {name for name in RANGES if name not in set(developing) | elsewhere}
    owners = importlib.metadata.packages_distributions()
    for path in [*(ROOT / "kogpt_funcs").rglob("*.py"), *(ROOT / "demos").rglob("*.py")]:
        allowed = (
            running | developing
            if {"training", "evaluation", "data", "command", "benchmarking"} & set(path.parts)
            else running
        )
        known = {"kogpt_funcs", "demos", "__future__", "mcp_types"}
        if "hosting" in path.parts:
            known |= {"ray", "spaces"}  # imported where they are, in environments of their own
        if path.name == "tracing.py":
            known |= {"opentelemetry"}  # imported where spans are asked for, from the extra `tracing`
        for module in imported(path) - sys.stdlib_module_names - known:
            assert {canonicalize_name(owner) for owner in owners.get(module, [])} & set(allowed), (
                f"{path} imports {module}"
            )


def imported(path: Path) -> set[str]:
    source = path.read_text("utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_ = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    files = set(re.findall(r"packages=\[\(\"(\w+)\"", source))  # whose static files are served
    return {name.partition(".")[0] for name in plain | from_ | files}


def test_the_readme_is_a_space_that_starts() -> None:
    _, front, text = (ROOT / "README.md").read_text("utf-8").split("---\n", 2)
    space = yaml.safe_load(front)
    assert (ROOT / space["app_file"]).is_file()
    assert space["sdk"] == "gradio"
    assert space["sdk_version"] == pins("requirements.txt")["gradio"]
    assert len(space["short_description"]) <= 60
    for command in ("main", "test"):
        assert re.search(rf"<!-- command: {command} -->\n```sh\npython3 -m venv \.venv && [^\n]+\n```\n", text)


PORTABLE = [
    "field_validator",
    "model_config",
    "pattern=",
    "json_schema_extra",
    ".model_dump(",
    "model_validator",
    "ConfigDict",
]


@pytest.mark.parametrize("name", [*names(), "contract/fields"])
def test_functions_keep_to_what_both_pydantics_have(name: str) -> None:
    source = (ROOT / "kogpt_funcs" / f"{name}.py").read_text("utf-8")
    assert [word for word in PORTABLE if word in source] == []


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_functions_import_under_pydantic_1(function) -> None:
    """pydantic 2 ships 1.10 as pydantic.v1: the same file must work on it, bounds and titles included."""
    probe = f"""
import importlib, json, sys, pydantic.v1
sys.modules["pydantic"] = pydantic.v1
module = importlib.import_module("kogpt_funcs.{function.name}")
model = module.{function.input.__name__}
assert issubclass(model, pydantic.v1.BaseModel)
for example in module.EXAMPLES:
    assert model.parse_obj(example).dict()
    try:
        model.parse_obj({{**example, "{next(iter(function.examples[0]))}": "가" * 100_000}})
    except pydantic.v1.ValidationError as error:
        assert "100" in str(error) or "at most" in str(error)
    else:
        raise AssertionError("max_length does not hold")
print(json.dumps(model.schema()))
"""
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    properties = json.loads(done.stdout)["properties"]
    assert {name: schema["title"] for name, schema in properties.items()} == {
        name: info.title for name, info in function.input.model_fields.items()
    }


def test_a_seventh_function_is_a_file_and_nothing_else(tmp_path: Path) -> None:
    """It appears on every surface; the other functions are taken out, so that no checkpoint is needed here."""
    home = copy_package(tmp_path, SEVENTH, without=names())
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "demos", "--port", str(port)], cwd=home)
    try:
        address = f"http://127.0.0.1:{port}"
        answered(f"{address}/api/health", server)
        asked = subprocess.run(
            [sys.executable, ".ci/ask_surfaces.py", address], cwd=home, capture_output=True, text=True, check=False
        )
    finally:
        server.terminate()
        assert server.wait(timeout=30) == 0
    assert asked.returncode == 0, asked.stderr
    assert [line.split()[:2] for line in asked.stdout.splitlines()] == [
        ["count_letters", surface] for surface in ("REST", "MCP", "command")
    ]


WRONG = {
    "no function": ("def count_letters(", "def count_them(", "has no function 'count_letters'"),
    "parameter name": ("def count_letters(input:", "def count_letters(request:", "exactly one parameter named `input`"),
    "no annotation": (
        "def count_letters(input: CountLettersInput)",
        "def count_letters(input)",
        "the parameter `input`",
    ),
    "no return": (") -> CountLettersOutput:\n", "):\n", "the return value of count_letters must be annotated"),
    "not a model": ("-> CountLettersOutput:\n", "-> dict:\n", "must be annotated with a pydantic BaseModel"),
    "no docstring": ('"""글자 세기\n\n    글에 나온 글자를 셉니다.\n    """', "", "has no docstring"),
    "no title": ('title="최소", ', "", "CountLettersInput.least needs a title"),
    "no output title": ('title="모두", ', "", "CountLettersOutput.total needs a title"),
    "unbounded number": ("ge=1, le=100, ", "ge=1, ", "CountLettersInput.least needs bounds"),
    "unbounded text": ("max_length=100, ", "", "CountLettersInput.text needs a max_length"),
    "no field examples": ("examples=[1], ", "", "CountLettersInput.least needs examples"),
    "syntax": ("EXAMPLES = [", "EXAMPLES = ][", "does not import: SyntaxError"),
    "import": ("import time", "import no_such_module", "does not import: ModuleNotFoundError"),
    "no EXAMPLES": ("EXAMPLES = ", "SAMPLES = ", "EXAMPLES is missing"),
    "wrong example": ('EXAMPLES = [{"text": "안녕하세요"', 'EXAMPLES = [{"txt": "안녕하세요"', "does not fit"),
    "stream": ("yield CountLettersOutput", "return CountLettersOutput", "stream is not a generator function"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_file_gets_a_sentence(tmp_path: Path, fault: str) -> None:
    right, wrong, sentence = WRONG[fault]
    source = SEVENTH.read_text("utf-8")
    assert right in source
    file = tmp_path / SEVENTH.name
    file.write_text(source.replace(right, wrong, 1), "utf-8")
    done = run("list", home=copy_package(tmp_path / "home", file))
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (1, b""), said
    assert said.startswith("kogpt: kogpt_funcs/count_letters.py")
    assert sentence in said
    assert said.count("\n") == 1
