"""Rows come out of every format and encoding as they went in, and a broken row or file is told in a sentence."""

from __future__ import annotations

import gzip
import json
import lzma
import tracemalloc
from pathlib import Path

import openpyxl
import pytest

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.data.tables import check_columns, open_table, read_paragraphs, read_rows, rows

CSV = 'id,text\n1,"안녕\n하세요, ""친구"""\n2,반갑습니다\n'
CELLS = [{"id": "1", "text": '안녕\n하세요, "친구"'}, {"id": "2", "text": "반갑습니다"}]


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_csv_in_each_encoding(tmp_path: Path, encoding: str) -> None:
    table = open_table(write(tmp_path / "a.csv", CSV, encoding))
    assert table.encoding == encoding
    assert table.columns == ("id", "text")
    assert [row.cells for row in rows(table)] == CELLS


@pytest.mark.parametrize(("packing", "compress"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_packed_text(tmp_path: Path, packing: str, compress) -> None:
    path = write(tmp_path / f"a.tsv{packing}", compress(CSV.replace(",", "\t").encode()))
    assert [row.cells["id"] for row in read_rows(path)] == ["1", "2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_each_line_of_a_txt_file_is_a_row(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.txt", '첫 줄, "따옴표\r\n\r\n  둘째\t줄 \n', encoding)
    assert open_table(path).columns == ("text",)
    assert [(row.number, row.cells["text"]) for row in read_rows(path)] == [(1, '첫 줄, "따옴표'), (3, "둘째\t줄")]


def test_an_empty_txt_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(KogptError, match=r"a\.txt is empty\.$"):
        open_table(write(tmp_path / "a.txt", ""))


def test_numbers_are_those_of_the_sheet_and_blank_rows_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text\n가\n\n나\n")
    assert [(row.number, row.cells["text"]) for row in read_rows(path)] == [(2, "가"), (4, "나")]
    assert [row.blank for row in rows(open_table(path))] == [False, True, False]


def test_a_quote_that_never_closes_costs_its_own_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'id,text\n1,"깨진\n2,좋아\n3,"인용"\n')
    found = list(read_rows(path))
    assert [(row.number, bool(row.problem)) for row in found] == [(2, True), (3, False), (4, False)]


def test_in_tsv_such_a_quote_is_a_character(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'a\tb\n"가" 나\t"다\n라\t마\n')
    assert [row.cells for row in read_rows(path)] == [{"a": '"가" 나', "b": '"다'}, {"a": "라", "b": "마"}]


def test_a_row_with_broken_bytes_or_too_many_cells_is_told_by_number(tmp_path: Path) -> None:
    content = "id,text\n1,안녕하세요\n".encode() + b"2,\xed\x95\n" + "3,가,나\n4,끝\n".encode()
    found = list(read_rows(write(tmp_path / "a.csv", content)))
    assert [row.number for row in found if row.problem] == [3, 4]
    assert found[-1].cells == {"id": "4", "text": "끝"}


def test_jsonl_keeps_types_and_tells_bad_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "가", "n": [1, null]}\n\n{"n": NaN}\n{oops\n[1]\n' + "[" * 100_000)
    found = list(read_rows(path))
    assert found[0].cells == {"text": "가", "n": [1, None]}
    assert [row.number for row in found if row.problem] == [3, 4, 5, 6]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_text_has_paragraphs(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.txt", "\n첫 줄\n둘째 줄\n\n\n셋째 줄\n", encoding)
    assert [(row.number, row.cells["text"]) for row in read_paragraphs(path)] == [(2, "첫 줄\n둘째 줄"), (6, "셋째 줄")]
    assert [row.cells["text"] for row in read_rows(path)] == ["첫 줄", "둘째 줄", "셋째 줄"]
    with pytest.raises(KogptError, match="rows, not paragraphs"):
        next(read_paragraphs(write(tmp_path / "a.csv", CSV)))


def test_xlsx_gives_formulas_as_text_and_leaves_out_a_blank_tail(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["id", "text"], [1, "=1+1"], [None, None], [2, "가"], [None, None], [None, ""]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    found = list(rows(open_table(tmp_path / "a.xlsx")))
    assert [(row.number, row.cells["text"], row.blank) for row in found] == [
        (2, "=1+1", False),
        (3, "", True),
        (4, "가", False),
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b"", "is empty"),
        ("a.csv", b"\n\n", "must name the columns"),
        ("a.csv", b"a,a\n1,2\n", "two columns called 'a'"),
        ("a.csv", b'"a,b\n1,2\n', "never closed"),
        ("a.csv", b"\xff\x00\x9c\x80\x81" * 30, "neither UTF-8 nor CP949"),
        ("a.csv.gz", b"text", "damaged"),
        ("a.csv.xz", b"text", "damaged"),
        ("a.csv.gz", gzip.compress(CSV.encode())[:-12], "damaged"),
        ("a.xlsx", b"", "damaged"),
        ("a.xlsx", b"text", "damaged"),
        ("a.xls", b"text", "Choose from: .csv"),
        ("a", b"text", "Choose from: .csv"),
    ],
)
def test_an_unreadable_file_is_told_in_a_sentence(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(KogptError, match=said):
        list(read_rows(path))


def test_missing_files_and_columns(tmp_path: Path) -> None:
    with pytest.raises(KogptError, match="No file"):
        open_table(tmp_path / "a.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(KogptError, match="Is a directory"):
        open_table(tmp_path / "folder.csv")
    table = open_table(write(tmp_path / "b.csv", "글,번호\n가,1\n"))
    with pytest.raises(KogptError, match=r"no column 'text'\. Columns: 글, 번호"):
        check_columns(table, ["글", "text"])


def test_a_large_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    line = json.dumps({"text": "글" * 200}) + "\n"
    table = open_table(write(tmp_path / "a.jsonl", line * 8_000))
    tracemalloc.start()
    assert sum(1 for _ in rows(table)) == 8_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < table.path.stat().st_size / 10
