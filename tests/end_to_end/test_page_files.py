"""Many at once on the page, in a real browser: a file goes up, every row is answered, the table comes back."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Page, chromium
from suite_server import Server

from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.registry import functions
from kogpt_funcs.surfaces.page import over_time
from kogpt_funcs.surfaces.uploads import MOST_BYTES

MONTHS = ("2026-10", "2026-11")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("files"), "ko-KR") as page:
        yield page


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def send(page: Page, name: str, file: Path) -> None:
    """Opens the panel, sends the file, and waits until its columns are there."""
    page.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(file.parent / "down")}
    )
    page.click(f"#{name}-many button")
    page.wait(lambda: page.all(f"#{name}-many-file input[type=file]"))
    page.one(f"#{name}-many-file input[type=file]").send_keys(str(file))


def downloaded(page: Page, name: str, folder: Path) -> list[dict[str, str]]:
    page.wait(lambda: page.texts(f"#{name}-many-download"))
    page.click(f"#{name}-many-download")
    page.wait(lambda: [p for p in folder.glob("*.csv") if p.stat().st_size])
    (path,) = folder.glob("*.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel takes it for UTF-8 by its mark alone"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("function", functions().values(), ids=lambda f: f.name)
def test_every_function_takes_a_file(page: Page, server: Server, function: Function, tmp_path: Path) -> None:
    name, text = function.name, str(function.examples[0][function.main_field])
    page.driver.get(f"{server.url}/?tab={name}")
    page.wait(lambda: page.texts(f"#{name}-many"))
    rows = [[f"{month}-0{day}", text, "=1+1"] for month in MONTHS for day in (1, 2)]
    send(page, name, write(tmp_path / "일기.csv", [["날짜", "글", "=메모"], *rows]))
    page.wait(lambda: page.texts(f"#{name}-many-run"))
    column = f"#{name}-column-{function.main_field} input"
    page.wait(lambda: page.one(column).get_property("value") == "글")
    page.click(f"#{name}-many-run")
    done = downloaded(page, name, tmp_path / "down")
    assert [row["날짜"] for row in done] == [row[0] for row in rows]
    assert [row["error"] for row in done] == [""] * 4
    assert all(row[next(iter(function.answers))] for row in done)
    assert [row["'=메모"] for row in done] == ["'=1+1"] * 4
    months = page.texts(f"#{name}-many-course tbody th")
    assert months == (list(MONTHS) if over_time.labels(function) else [])
    assert page.complaints() == []


def test_what_is_done_when_it_is_stopped_comes_back(page: Page, workshop: Server, tmp_path: Path) -> None:
    page.driver.get(f"{workshop.url}/?tab=count_slowly&upto=4&pause=0.1")
    page.wait(
        lambda: page.texts("#count_slowly-many") and page.box("count_slowly", "upto").get_property("value") == "4"
    )
    send(page, "count_slowly", write(tmp_path / "a.csv", [["name"], *([f"file {n}"] for n in range(300))]))
    page.wait(lambda: page.texts("#count_slowly-many-run"))
    page.click("#count_slowly-many-run")
    page.wait(lambda: re.search("300행 가운데 [1-9]", "".join(page.texts("#count_slowly-many-progress"))))
    page.click("#count_slowly-many-stop")
    done = downloaded(page, "count_slowly", tmp_path / "down")
    assert "멈췄습니다" in "".join(page.texts("#count_slowly-many-progress"))
    counts = [row["count"] for row in done]
    reached = counts.index("")
    assert len(counts) == 300
    assert counts == ["4"] * reached + [""] * (300 - reached)
    assert reached > 0
    page.wait(lambda: page.texts("#count_slowly-many-run"))


def test_bad_rows_are_told_by_number_and_the_others_answered(page: Page, workshop: Server, tmp_path: Path) -> None:
    page.open(workshop, "count_letters")
    rows = [["text", "least"], ["가나", "1"], ["가" * 101, "1"], ["", "1"], ["다", "가"]]
    send(page, "count_letters", write(tmp_path / "a.csv", rows))
    page.wait(lambda: page.texts("#count_letters-many-run"))
    page.click("#count_letters-many-run")
    done = downloaded(page, "count_letters", tmp_path / "down")
    assert [bool(row["error"]) for row in done] == [False, True, True, True]
    told = "".join(page.texts("#count_letters-many-progress"))
    assert "4행 가운데 4행" in told
    assert "답하지 못한 행 3개" in told
    assert "3행: " in told


def test_what_cannot_be_read_is_told_in_a_sentence(page: Page, workshop: Server, tmp_path: Path) -> None:
    before = len(workshop.log)  # a broken function has logged its own faults
    page.open(workshop, "count_letters")
    file = tmp_path / "a.xlsx"
    file.write_bytes(b"PK no sheet")
    send(page, "count_letters", file)
    page.wait(lambda: page.texts("#count_letters-many-notice [role=alert]"))
    (sentence,) = page.texts("#count_letters-many-notice [role=alert]")
    assert "a.xlsx" in sentence
    assert "/tmp" not in sentence
    assert page.texts("#count_letters-many-run") == []
    assert "Traceback" not in workshop.log[before:]


def test_a_file_that_is_too_large_is_told_before_it_is_sent(page: Page, workshop: Server, tmp_path: Path) -> None:
    page.open(workshop, "count_letters")
    file = tmp_path / "큰 글.txt"
    file.write_bytes(b"a\n" * (MOST_BYTES // 2 + 1))
    send(page, "count_letters", file)
    page.wait(lambda: "5 MB" in "".join(page.texts("#count_letters-many .kogpt-too-large")))
    assert page.texts("#count_letters-many-run") == []


@pytest.mark.parametrize("width", [768, 375])
def test_a_file_is_answered_on_a_narrow_screen(page: Page, workshop: Server, tmp_path: Path, width: int) -> None:
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 768}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        page.open(workshop, "count_letters")
        rows = [[f"{n}" * 30 for n in range(9)], ["가나다 " * 9] * 9]
        send(page, "count_letters", write(tmp_path / "a.csv", rows))
        page.wait(lambda: page.texts("#count_letters-many-run"))
        page.click("#count_letters-many-run")
        assert len(downloaded(page, "count_letters", tmp_path / "down")) == 1
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
