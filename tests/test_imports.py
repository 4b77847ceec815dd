"""Who may import whom: the contracts of pyproject.toml hold, functions keep to themselves, any module can come
first.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest
from package_copy import ROOT

from kogpt_funcs.contract import registry

#: Where torch may be imported.
_TORCH = {"models", "training", "evaluation", "benchmarking"}
#: In a fork of a process that has the heavy libraries already, so that each module costs no more than its own lines.
_EACH_FIRST = """
import importlib, os, sys, traceback, warnings
import fastapi, gradio, matplotlib, mcp, numpy, openai, openpyxl, peft, pydantic, sklearn, torch, transformers
warnings.simplefilter("error")
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            importlib.import_module(name)
        except BaseException:
            print(name, traceback.format_exc().splitlines()[-1], flush=True)
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("kogpt_funcs", "demos")


def test_the_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_ban_on_torch_names_every_other_room() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (banned,) = [contract["source_modules"] for contract in contracts if contract["id"] == "torch"]
    rooms = {path.parent.name for path in (ROOT / "kogpt_funcs").glob("*/__init__.py")}
    assert set(banned) == {"demos", *(f"kogpt_funcs.{room}" for room in rooms - _TORCH)}


@pytest.mark.parametrize("name", registry.names())
def test_a_function_knows_no_surface_and_no_other_function(graph: grimp.ImportGraph, name: str) -> None:
    imported = graph.find_modules_directly_imported_by(f"kogpt_funcs.{name}")
    assert {module.split(".")[1] for module in imported} <= {"assistant", "contract", "korean", "models"}


@pytest.mark.parametrize("name", registry.names())
def test_only_its_evaluation_knows_a_function_by_name(graph: grimp.ImportGraph, name: str) -> None:
    importers = graph.find_modules_that_directly_import(f"kogpt_funcs.{name}")
    assert {module.split(".")[1] for module in importers} <= {"evaluation"}


def test_each_module_can_be_the_first(graph: grimp.ImportGraph) -> None:
    modules = sorted(module for module in graph.modules if not module.endswith(".__main__"))
    each_first = [sys.executable, "-c", _EACH_FIRST, *modules]
    done = subprocess.run(each_first, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
