"""`kogpt chat`: a talk over stdin, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from package_copy import ROOT


def talk(*lines: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kogpt_funcs", "chat", *options],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=300,
        check=False,
    )


def test_replies_are_on_stdout_until_the_end_is_said() -> None:
    done = talk(
        "dhsmf auclfdldi",
        "",
        "지금 몇 시야",
        "초기화",
        "너 이름이 뭐야?",
        "끝",
        "지금 몇 시야",
        options=("--persona", "이름은 토리"),
    )
    time, name = [line for line in done.stdout.splitlines() if line][-2:]
    assert done.returncode == 0, done.stderr
    assert time.startswith("지금은 ")
    assert name.startswith("저는 토리예요.")
    assert "알아들은 말: 오늘 며칠이야" in done.stderr
    assert "처음부터 다시" in done.stderr


def test_the_end_of_the_input_ends_the_talk() -> None:
    done = talk("시간 알려줘")
    assert (done.returncode, done.stdout.count("한국 시간")) == (0, 1)
