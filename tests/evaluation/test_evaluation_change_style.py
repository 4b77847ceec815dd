"""`kogpt evaluate change_style`: what it prints and writes, on the shipped adapter; which words count as kept; who
judges.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from package_copy import run

from kogpt_funcs.command.evaluate import evaluate
from kogpt_funcs.evaluation.change_style import Pair, pairs
from kogpt_funcs.evaluation.char_ngrams import fitted
from kogpt_funcs.evaluation.kept_words import kept, words
from kogpt_funcs.evaluation.report import text_of
from kogpt_funcs.training.mix import is_test


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """SmileStyle-like rows, four of them held out."""
    rows = [
        {"formal": f"저는 {n}번 버스를 타요.", "informal": f"나는 {n}번 버스를 타.", "king": f"짐은 {n}번 버스를 타오."}
        for n in range(300)
    ]
    held = [row for row in rows if is_test(row)][:4]
    kept_rows = [row for row in rows if not is_test(row)][:60] + held
    (tmp_path / "pairs.jsonl").write_text(
        "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in kept_rows), encoding="utf-8"
    )
    return tmp_path


def test_it_prints_tables_and_writes_the_same_as_json(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    done = CliRunner().invoke(
        evaluate,
        ["change_style", "--data", "pairs.jsonl", "--limit", "2", "--json", "figures.json"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    figures = json.loads((data / "figures.json").read_text(encoding="utf-8"))
    assert text_of(figures) == done.stdout.rstrip("\n")
    assert list(figures["styles"]) == ["존댓말", "반말", "왕", "mean"]
    for row in figures["styles"].values():
        assert 0 <= row["chrf_copy"] <= 100
        assert row["of_references_percent"] == 100
    assert figures["styles"]["반말"]["removed_percent"] == pytest.approx(
        100
        * (figures["styles"]["반말"]["chrf"] - figures["styles"]["반말"]["chrf_copy"])
        / (100 - figures["styles"]["반말"]["chrf_copy"]),
        abs=0.6,
    )
    assert figures["kept"]["numbers"]["found"] == 6
    assert figures["bits_per_character"]["trained for it"]["bits"] < figures["bits_per_character"]["base alone"]["bits"]
    assert list((data / "runs/evaluation").glob("char_ngrams-*.joblib"))


def test_without_held_out_rows_it_says_so(data: Path) -> None:
    (data / "few.tsv").write_text("formal\tinformal\n안녕하세요.\t안녕.\n", encoding="utf-8")
    done = run("evaluate", "change_style", "--data", data / "few.tsv")
    assert done.returncode == 1
    assert "No held-out row in few.tsv" in done.stderr.decode()


def test_sources_are_formal_but_for_the_formal_style() -> None:
    row = {"formal": ["갑니다.", "가요."], "informal": "나는 가.", "king": "짐은 가오.", "chat": "시발", "naruto": ""}
    assert pairs(row) == [
        Pair("나는 가.", "존댓말", "갑니다."),
        Pair("갑니다.", "반말", "나는 가."),
        Pair("갑니다.", "왕", "짐은 가오."),
    ]
    assert pairs({"king": "짐은 가오."}) == []


def test_kept_counts_words_the_reference_has_and_all_numbers() -> None:
    source, reference = "저는 고양이를 6마리, IU랑 1.5년 키워요.", "난 고양이 6마리 iu랑 일점오년 키워."
    assert words(source, reference) == ["고양이", "마리", "IU"]
    assert kept([(source, "난 고양이 여섯마리 IU랑 1.5년 키워.", reference)]) == {
        "words": {"found": 3, "kept_percent": 100.0},
        "numbers": {"found": 2, "kept_percent": 50.0, "by_references_percent": 50.0},
        "all": {"found": 1, "kept_percent": 0.0},
    }
    assert kept([("가.", "나.", "다.")])["all"] == {"found": 0, "kept_percent": None}
    assert kept([("16번", "1번 6번", "16번")])["numbers"]["kept_percent"] == 0.0


def test_the_judge_reads_endings_and_is_kept(tmp_path: Path) -> None:
    texts = [
        f"{n}시에 {verb}{end}" for n in range(20) for verb in ("가", "오", "자") for end in ("니다", "냐니깐", "시오")
    ]
    labels = ["존댓말", "나루토", "왕"] * 60
    judge = fitted(texts, labels, tmp_path)
    assert judge.read(["학교에 가냐니깐", "산에 오시오"]) == ["나루토", "왕"]
    assert judge.read(["산에 오시오"], among=["존댓말", "나루토"]) != ["왕"]
    (kept_file,) = tmp_path.iterdir()
    before = kept_file.stat().st_mtime_ns
    assert fitted(texts, labels, tmp_path).probabilities(["산에"]) == pytest.approx(judge.probabilities(["산에"]))
    assert kept_file.stat().st_mtime_ns == before
    fitted(texts, labels[::-1], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_labels_that_hold_together_have_chances_of_their_own(tmp_path: Path) -> None:
    texts = ["기뻐 웃어"] * 9 + ["슬퍼 울어"] * 9 + ["기뻐 울어"] * 9
    judge = fitted(texts, [["웃음"]] * 9 + [["눈물"]] * 9 + [["웃음", "눈물"]] * 9, tmp_path)
    chances = dict(zip(judge.labels, judge.probabilities(["기뻐 울어"])[0], strict=True))
    assert min(chances.values()) > 0.6
