"""`kogpt clean`: each rule on what it is for and on what it must leave alone, and the counts it reports."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from package_copy import run

from kogpt_funcs.data.cleaning import Cleaner, clear_sentence
from kogpt_funcs.data.people import with_names
from kogpt_funcs.data.privacy import without_personal_data


@pytest.mark.parametrize(
    ("text", "cleared"),
    [
        ("안녕\n하세요", "안녕 하세요"),  # ChatHuman glued these
        ("스키키퍼", "스키키퍼"),  # and made this 스ㅋㅋ퍼
        ("1,000원에 3.5점", "1,000원에 3.5점"),  # and took the comma
        ("안녕,친구~반가워", "안녕 친구 반가워"),
        ("키키키 웃겨키키", "ㅋㅋ 웃겨ㅋㅋ"),
        ("ㅋ ㅋㅋㅋㅋ ㅎㅎㅎ ㅠㅜㅠ", "ㅋㅋ ㅋㅋ ㅎㅎ ㅠㅠ"),
        ("\u110f\u110f\u110f 진짜？", "ㅋㅋ 진짜?"),
        ("(웃음) 아 (정말(진짜)) 그래.", "아 그래.."),
        ("뭐?? 와!!! 음... ", "뭐? 와! 음.."),
        ("HELLO  it's ♡", "hello it s"),
        ("<usr> 안녕 <sys> 응", "<usr> 안녕 <sys> 응"),
        ("♡", ""),
    ],
)
def test_clear_sentence(text: str, cleared: str) -> None:
    assert clear_sentence(text) == cleared


@pytest.mark.parametrize(
    ("text", "left", "kind"),
    [
        ("010-1234-5678로 전화해", "로 전화해", "phone"),
        ("01012345678", "", "phone"),
        ("+82 10 1234 5678 입니다", "입니다", "phone"),
        ("02)123-4567, 031-123-4567", ",", "phone"),
        ("주민번호 901010-1234567 이래", "주민번호 이래", "resident_number"),
        ("901010-1******", "", "resident_number"),
        ("신한 110-123-456789 입금", "신한 입금", "account"),
        ("카드 1234-5678-9012-3456", "카드", "account"),
        ("국민 12345678901234", "국민", "account"),
        ("hong.gil-dong@naver.com으로", "으로", "email"),
        ("https://youtu.be/abc?x=1에서 봐", "에서 봐", "url"),
        ("www.naver.com/a 와 blog.naver.com/b", "와", "url"),
        ("@홍길동 안녕", "안녕", "mention"),
    ],
)
def test_personal_data_goes(text: str, left: str, kind: str) -> None:
    plain, kinds = without_personal_data(text)
    assert (" ".join(plain.split()), kinds) == (left, [kind])


@pytest.mark.parametrize(
    "text",
    [
        "1592-1598 임진왜란",
        "2026-11-21",
        "2026.11.21. 12:30",
        "1,000,000,000원",
        "1234567명",
        "3.5점",
        "12월 3일-5일",
        "a@",
        "그래.나도",
        "#@이름#",
    ],
)
def test_other_numbers_and_marks_stay(text: str) -> None:
    assert without_personal_data(text) == (text, [])


@pytest.mark.parametrize(
    ("mark", "closed"),
    [("#@이름#이가 왔어", True), ("#@이름#아!", True), ("#@이름#는 자", False), ("#@이름#야", False)],
)
def test_a_name_fits_the_particle_behind_it(mark: str, closed: bool) -> None:
    for seed in range(40):
        last = with_names(mark, random.Random(seed))[: -len(mark.rpartition("#")[2])][-1]
        assert ((ord(last) - ord("가")) % 28 > 0) == closed


def test_a_sentence_has_one_name_half_of_the_time_with_a_family_name() -> None:
    names = [with_names("#@이름#|#@이름2#", random.Random(seed)).split("|") for seed in range(200)]
    assert all(first == second for first, second in names)
    assert len({first for first, _ in names}) > 50
    assert 60 < sum(len(first) == 3 for first, _ in names) < 140


def test_names_depend_on_the_seed_and_the_row_alone() -> None:
    def cleaned(seed: int, rows: list[int]) -> list[str]:
        cleaner = Cleaner(seed=seed)
        return [cleaner.row(n, {"text": f"{n} #@이름# 왔어"})["text"] for n in rows]

    assert cleaned(1, [1, 2, 3])[2] == cleaned(1, [3])[0]
    assert cleaned(1, list(range(20))) != cleaned(2, list(range(20)))


def clean(tmp_path: Path, content: str, *options: str, name: str = "a.jsonl", out: str = "out.jsonl", status: int = 0):
    (tmp_path / name).write_text(content, "utf-8")
    done = run("clean", tmp_path / name, "--out", tmp_path / out, *options)
    assert done.returncode == status, done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    return json.loads(done.stdout) if status == 0 else done.stderr.decode()


def test_the_report_says_which_rule_met_how_many_rows(tmp_path: Path) -> None:
    texts = [
        "#@이름#아 010-1234-5678",
        "이거 봐 #@시스템#사진#",
        "사진 2장",
        "#@URL# 봐봐",
        "#@이모티콘#",
        "이 시발 뭐야",
        "시발점은 여기",
        "안녕!!",
        "안녕!",
        "#@이모티콘# 좋아",
        "사진 찍자",
    ]
    rows = [json.dumps({"id": i, "text": text}, ensure_ascii=False) for i, text in enumerate(texts)]
    report = clean(tmp_path, "\n".join([*rows, "{broken"]) + "\n")
    assert report == {
        "rows": 12,
        "written": 5,
        "unreadable": 1,
        "dropped": {"picture_or_address": 3, "empty": 1, "abuse": 1, "repeated": 1},
        "changed": {"name": 1, "phone": 1, "clear_sentence": 1, "mark": 1},
    }
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in found] == [0, 6, 7, 9, 10]
    assert [row["text"] for row in found[1:]] == ["시발점은 여기", "안녕!", "좋아", "사진 찍자"]


def test_turns_are_cleaned_one_by_one_and_a_dialogue_goes_as_a_whole(tmp_path: Path) -> None:
    rows = [
        {"turns": ["안녕~", "그래..."]},
        {"turns": ["안녕", "씨발"]},
        {"turns": []},
        {"turns": ["가", "#@이모티콘#"]},
    ]
    report = clean(tmp_path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    assert report["dropped"] == {"abuse": 1, "empty": 2}
    assert json.loads((tmp_path / "out.jsonl").read_text("utf-8")) == {"turns": ["안녕", "그래.."]}


def test_light_rules_leave_letters_and_marks(tmp_path: Path) -> None:
    clean(tmp_path, "“가자(정말로)!!!” ABC\n", "--rules", "light", name="a.txt", out="out.txt")
    assert (tmp_path / "out.txt").read_text("utf-8") == "“가자(정말로)!!!” ABC\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_a_chathuman_sheet(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes('conversation\n"<usr>밥 먹었어?\n<sys>응!!"\n'.encode(encoding))
    done = run("clean", tmp_path / "a.csv", "--out", tmp_path / "out.txt")
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "out.txt").read_text("utf-8") == "<usr>밥 먹었어? <sys>응!\n"


@pytest.mark.parametrize(
    ("name", "content", "options", "out", "sentence"),
    [
        (
            "a.jsonl",
            '{"글": "가"}\n',
            [],
            "out.jsonl",
            "has none of the columns text, sent, conversation, turns. Give --column: one of 글",
        ),
        ("a.jsonl", '{"글": "가"}\n', ["--column", "말"], "out.jsonl", "has no column '말'. Columns: 글"),
        ("a.csv", "text,sent\n가,나\n", [], "out.txt", "can hold one column, not text, sent"),
        ("a.jsonl", '{"turns": ["가"]}\n', [], "out.txt", "Row 1 holds turns"),
        ("a.txt", "가\n", [], "out.csv", "must end in one of .txt, .jsonl"),
        ("a.txt", "가\n", [], "a.txt", "exists already"),
        ("a.txt", "", [], "out.txt", "is empty"),
        ("a.hwp", "가\n", [], "out.txt", "is not a table that can be read"),
        ("a.txt", "가\n", [], "no/out.txt", "cannot be written"),
    ],
)
def test_what_cannot_be_cleaned_gets_a_sentence(
    tmp_path: Path, name: str, content: str, options: list[str], out: str, sentence: str
) -> None:
    assert sentence in clean(tmp_path, content, *options, name=name, out=out, status=1)
    assert {path.name for path in tmp_path.iterdir()} == {name}
