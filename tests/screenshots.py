"""`python tests/screenshots.py [FOLDER]` draws every page as the running suite shows it: each function's first example
answered, the library of stories, at 375 and 1280 pixels, light and dark, in Korean and in English.

What docs show of it goes to docs/images, the card that messengers show of a link to surfaces/page/static; all of it
goes to FOLDER, for those who want to look.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from browser import Page, chromium
from package_copy import ROOT
from PIL import Image
from suite_server import Server, serving

sys.path.insert(0, str(ROOT))

from kogpt_funcs.contract.registry import functions

IMAGES = ROOT / "docs" / "images"
CARD = ROOT / "kogpt_funcs" / "surfaces" / "page" / "static" / "card.png"
WIDTHS, SCHEMES = (375, 1280), ("light", "dark")
OPENING = {
    "title": "막차의 우산",
    "genre": "로맨스",
    "opening": "막차 안에는 다섯 명이 남아 있었다. 그 가운데 한 사람만 우산을 들고 있었다.",
    "author": "느린 고래",
}


def picture(page: Page, file: Path, colours: int = 128) -> None:
    """The whole page, as a small PNG."""
    width, height = page.driver.execute_script("return [innerWidth, document.documentElement.scrollHeight]")
    area = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = page.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": area})
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    file.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(colours, dither=Image.Dither.NONE).save(file, optimize=True)


def answered(page: Page, server: Server, name: str) -> None:
    """The page with the answer to the first example of the function `name`."""
    page.open(server, name)
    before = page.answer(name)
    page.click(f"#{name}-examples .gallery-item")  # it fills the form and runs
    page.wait(lambda: page.answer(name) != before)
    page.wait(lambda: page.texts(f"#{name}-run"))


def talked(page: Page, server: Server, name: str) -> None:
    """The bubbles of the function `name` after its first two examples."""
    page.driver.get(f"{server.url}/talk/{name}/")
    page.driver.execute_script("localStorage.clear()")  # what was said on the screen before
    page.driver.refresh()
    for place in range(2):
        said = page.driver.execute_script("return JSON.parse(document.getElementById('told').textContent).examples")
        page.one("#message").send_keys(said[place]["message"] + "\n")
        page.wait(lambda place=place: len(page.all("#turns .assistant:not(.growing)")) > place)


def stories(server: Server) -> Iterator[tuple[str, str]]:
    """(name, address) of the story site's pages, with a story in it."""
    story = server.http.post("/stories/api/stories", json=OPENING).json()
    for name, path in (("library", ""), ("new", "new"), ("book", story["id"]), ("tree", f"{story['id']}/tree")):
        yield f"stories_{name}", f"{server.url}/stories/{path}"


def draw(server: Server, language: str, profile: Path, folder: Path) -> None:
    with chromium(profile, language) as page:
        sites = list(stories(server))
        for width in WIDTHS:
            for scheme in SCHEMES:
                page.screen(width, scheme)
                for name, function in functions().items():
                    (talked if function.talk else answered)(page, server, name)
                    picture(page, folder / f"{name}-{language[:2]}-{width}-{scheme}.png")
                for name, address in sites:
                    page.driver.get(address)
                    picture(page, folder / f"{name}-{language[:2]}-{width}-{scheme}.png")


def card(profile: Path) -> None:
    with chromium(profile, "ko-KR") as page:
        page.screen(1200, "light", 630)
        page.driver.get(Path(__file__).with_name("card.html").as_uri())
        picture(page, CARD)


def main(folder: Path, temporary: Path) -> None:
    card(temporary / "card")
    with serving(temporary / "log", environment={"KOGPT_DATA": str(temporary / "data")}) as server:
        for language in ("ko-KR", "en-US"):
            draw(server, language, temporary / language, folder)
    for name in functions():
        for kind, shown in (("", "ko-1280-light"), ("_phone", "ko-375-dark")):
            (IMAGES / f"{name}{kind}.png").write_bytes((folder / f"{name}-{shown}.png").read_bytes())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(made) / "pages", Path(made))
