"""The `kogpt` command: JSON on stdout, sentences on stderr, exit status 1 or 2, whatever the terminal throws at it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Optional

import pytest
from package_copy import ROOT, SEVENTH, command, copy_package, run

from kogpt_funcs.contract.registry import functions

FUNCTIONS = list(functions().values())
ENCODINGS = [
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LANG": "", "LC_ALL": "POSIX"},
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_package(tmp_path_factory.mktemp("home"), SEVENTH)


def sentence(done: subprocess.CompletedProcess[bytes], status: int) -> str:
    """What stderr says, having checked the status, an empty stdout and that no stack trace is there."""
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (status, b""), said
    assert "Traceback" not in said
    return said


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys; sys.argv[1:] = ['--help']\nimport kogpt_funcs.command.kogpt as c\n"
        "try: c.main()\nfinally: print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, check=True)
    for command_name in ("list", "call", "map", "serve", "train", "evaluate"):
        assert f"  {command_name} ".encode() in done.stdout
    for heavy in ("torch", "transformers", "gradio", "pandas", "numpy", "pydantic", "openpyxl", "fastapi", "mcp"):
        assert f"'{heavy}'".encode() not in done.stderr


def test_no_command_needs_torch_for_its_help(home: Path) -> None:
    for arguments in (["call", "--help"], ["map", "--help"], ["serve", "--help"], ["list"]):
        probe = f"import sys; sys.argv[1:] = {arguments}\nimport kogpt_funcs.command.kogpt as c\n"
        probe += "try: c.main()\nfinally: assert 'torch' not in sys.modules and 'gradio' not in sys.modules"
        subprocess.run([sys.executable, "-c", probe], cwd=home, capture_output=True, check=True)


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_train_and_evaluate_are_mounted(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0, done.stderr.decode()
    assert f"Usage: kogpt {name}".encode() in done.stdout


def test_list(home: Path) -> None:
    lines = run("list", home=home).stdout.decode().splitlines()
    assert [line.split(maxsplit=1) for line in lines] == sorted(
        [[f.name, f.title] for f in FUNCTIONS] + [["count_letters", "글자 세기"]]
    )
    entries = json.loads(run("list", "--json", home=home).stdout)
    assert {entry["name"] for entry in entries} == {f.name for f in FUNCTIONS} | {"count_letters"}
    assert all(entry["title"] and entry["description"] for entry in entries)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_field_is_an_option_with_its_korean_help(function) -> None:
    done = run("call", function.name, "--help", environment={"LC_ALL": "ko_KR.UTF-8"})
    words = "".join(done.stdout.decode().split())
    assert function.title in done.stdout.decode()
    for name, info in function.input.model_fields.items():
        assert f"--{name.replace('_', '-')}" in words
        assert "".join(f"{info.title}.{info.description}".split()) in words


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_options_fail_with_the_same_sentences_as_every_surface(function) -> None:
    field = next(
        name for name, info in function.input.model_fields.items() if info.annotation in (float, Optional[float])
    )
    with pytest.raises(Exception, match=field) as expected:
        function.parse({**function.examples[0], field: 1e9})
    text = [item for key, value in function.examples[0].items() for item in (f"--{key}", str(value))]
    assert sentence(run("call", function.name, *text, f"--{field}", "1e9"), 1) == f"kogpt: {expected.value}\n"


def test_options_json_and_stdin_give_the_same_answer(home: Path) -> None:
    options = [
        "--text",
        "가나 가",
        "--least",
        "2",
        "--no-spaces",
        "--only",
        '["가", "나"]',
        "--pause",
        '{"seconds": 0.0}',
    ]
    request = {"text": "가나 가", "least": 2, "spaces": False, "only": ["가", "나"], "pause": {"seconds": 0.0}}
    expected = {"text": "가나 가", "total": 3, "letters": [{"letter": "가", "count": 2}]}
    ways = [
        run("call", "count_letters", *options, home=home),
        run("call", "count_letters", json.dumps(request), home=home),
        run("call", "count_letters", "-", stdin=json.dumps(request).encode(), home=home),
        run(
            "call",
            "count_letters",
            "-",
            stdin=b"\xef\xbb\xbf" + json.dumps(request, ensure_ascii=False).encode(),
            home=home,
        ),
    ]
    for done in ways:
        assert json.loads(done.stdout) == expected, done.stderr.decode()
        assert done.stdout.count(b"\n") == 1
        assert "가".encode() in done.stdout  # readable, not \u escapes
        assert "세는 중" in done.stderr.decode()


def test_stream_prints_partial_answers_the_last_one_whole(home: Path) -> None:
    lines = run("call", "count_letters", "--text", "가나다", "--stream", home=home).stdout.decode().splitlines()
    assert [json.loads(line)["total"] for line in lines] == [1, 2, 3]
    whole = run("call", "count_letters", "--text", "가나다", home=home)
    assert json.loads(lines[-1]) == json.loads(whole.stdout)


def test_underscores_do_in_options(home: Path) -> None:
    assert "없는" not in sentence(run("call", "continue_text", "--text", "가", "--max_new_tokens", "1"), 1)


@pytest.mark.parametrize("environment", ENCODINGS, ids=lambda environment: next(iter(environment)))
def test_any_locale_gives_utf8(home: Path, environment: dict[str, str]) -> None:
    done = run("call", "count_letters", "--text", "가😀", home=home, environment=environment)
    assert json.loads(done.stdout)["text"] == "가😀", done.stderr.decode()
    done = run("call", "count_letters", "-", stdin='{"text": "가😀"}'.encode(), home=home, environment=environment)
    assert json.loads(done.stdout)["text"] == "가😀", done.stderr.decode()
    assert "꼭 필요한" in sentence(run("call", "count_letters", home=home, environment=environment), 1)


@pytest.mark.parametrize("environment", ENCODINGS, ids=lambda environment: next(iter(environment)))
def test_any_locale_finds_files_with_korean_names(tmp_path: Path, home: Path, environment: dict[str, str]) -> None:
    (tmp_path / "글.csv").write_text("글\n가\n", "utf-8")
    done = run("map", "count_letters", tmp_path / "글.csv", "--column", "글", home=home, environment=environment)
    assert done.returncode == 0, done.stderr.decode()
    assert "가,가,1," in (tmp_path / "글.count_letters.csv").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["call", "nothing"], b"", "없는 함수입니다: 'nothing'"),
        (["call", "count_letter", "--text", "가"], b"", "'count_letters' 말인가요?"),
        (["call", "count_letters"], b"", "text: 꼭 필요한 항목입니다"),
        (["call", "count_letters", "--text", ""], b"", "비어 있습니다"),
        (["call", "count_letters", "--text", "가" * 101], b"", "100자까지"),
        (["call", "count_letters", "--text", "가", "--least", "많이"], b"", "least: 정수여야 합니다. 받은 값: 많이"),
        (["call", "count_letters", "--text", "가", "--least", "1.5"], b"", "least: 정수여야 합니다"),
        (["call", "count_letters", "--text", "가", "--least", "9" * 5000], b"", "least: "),
        (["call", "count_letters", "--text", "가", "--only", "가"], b"", "only: 목록이어야 합니다"),
        (["call", "count_letters", "--text", "가", "--pause", "[" * 99999], b"", "pause: "),
        (["call", "count_letters", "--text", b"\xff\xfe"], b"", "유니코드"),
        (["call", b"\xff"], b"", "없는 함수입니다"),
        (["call", "count_letters", "{"], b"", "JSON이 아닙니다"),
        (["call", "count_letters", "[1]"], b"", "JSON 객체여야 합니다"),
        (["call", "count_letters", '{"text": "가", "leest": 1}'], b"", "least 말인가요?"),
        (["call", "count_letters", '{"text": "가", "least": NaN}'], b"", "유한한 수여야"),
        (["call", "count_letters", '{"text": "\\ud800"}'], b"", "유니코드"),
        (["call", "count_letters", "-"], b"", "JSON이 아닙니다"),
        (["call", "count_letters", "-"], b'{"text": "\xff"}', "유니코드"),
        (["call", "count_letters", "-"], b"[" * 1_000_000, "JSON이 아닙니다"),
        (["call", "count_letters", "-"], b'{"text": "' + b"a" * 10_000_000 + b'"}', "100자까지"),
        (["call", "count_letters", "-"], b" " * 16_000_001, "16,000,000"),
    ],
)
def test_a_users_error_is_a_sentence_and_status_1(home: Path, arguments: list, stdin: bytes, said: str) -> None:
    message = sentence(run(*arguments, home=home, stdin=stdin), 1)
    assert said in message
    assert message.startswith("kogpt: ")
    assert message.count("\n") == 1
    assert len(message) < 1000


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["--nothing"],
        ["call", "count_letters", "--nothing", "1"],
        ["call", "count_letters", "--text"],
        ["call", "count_letters", "--text", "가", "{}"],
        ["call", "count_letters", "{}", "{}"],
        ["serve", "--port", "99999"],
        ["map", "count_letters"],
        [b"\xff"],
    ],
)
def test_a_usage_error_has_status_2(home: Path, arguments: list) -> None:
    assert "Error: " in sentence(run(*arguments, home=home), 2)


def test_a_fault_of_the_program_is_a_sentence_too(home: Path) -> None:
    broken = (
        "import kogpt_funcs.command.call as c; c._answers = None; from kogpt_funcs.command.kogpt import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken, "call", "count_letters", "--text", "가"],
        cwd=home,
        capture_output=True,
        check=False,
    )
    assert "TypeError" in sentence(done, 70)


def test_a_reader_that_leaves_is_met_in_silence(home: Path) -> None:
    text = ["--text", "가나다라마바사", "--pause", '{"seconds": 0.2}']
    process = subprocess.Popen(
        command("call", "count_letters", *text, "--stream"), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 1
    assert said.decode() == "세는 중\n"


def test_ctrl_c_is_quiet(home: Path) -> None:
    process = subprocess.Popen(
        command("call", "count_letters", "--text", "가" * 100, "--pause", '{"seconds": 1.0}', "--stream"),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.readline()
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.decode().split() == ["세는", "중"]


def test_serve_serves_what_is_named_until_it_is_ended(home: Path) -> None:
    process = subprocess.Popen(command("serve", "count_letters", "--port", "0"), cwd=home, stdout=subprocess.PIPE)
    assert process.stdout
    address = process.stdout.readline().decode().strip()
    with urllib.request.urlopen(f"{address}api/functions") as response:
        assert "count_letters" in [function["name"] for function in json.load(response)["functions"]]
    process.terminate()
    process.stdout.close()
    assert process.wait(timeout=30) == 0


def test_serve_tells_what_is_wrong_in_a_sentence() -> None:
    assert "없는 함수입니다: 'nothing'" in sentence(run("serve", "nothing"), 1)
