"""`python tests/screenshots.py` draws docs/images/NAME.png: each function's first example, answered by the running
suite.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

from browser import Page, chromium
from package_copy import ROOT
from suite_server import serving

sys.path.insert(0, str(ROOT))

from kogpt_funcs.contract.registry import functions

IMAGES = ROOT / "docs" / "images"


def draw(page: Page, name: str, file: Path) -> None:
    """The whole page with the answer to the first example of the function `name`."""
    page.click(f"#{name}-examples .gallery-item")
    page.wait(lambda: page.one(f"#{name} :is(textarea, input[type=text])").get_property("value"))
    page.run(name)
    width, height = page.driver.execute_script("return [innerWidth, document.documentElement.scrollHeight]")
    area = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = page.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": area})
    file.write_bytes(base64.b64decode(shot["data"]))


def talk(page: Page, file: Path) -> None:
    """The bubbles after the first two examples."""
    for place in range(2):
        said = page.driver.execute_script("return JSON.parse(document.getElementById('told').textContent).examples")
        page.one("#message").send_keys(said[place]["message"] + "\n")
        page.wait(lambda place=place: len(page.all("#turns .assistant:not(.growing)")) > place)
    page.driver.save_screenshot(str(file))


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "log") as server,
        chromium(Path(folder) / "profile", "ko-KR") as page,
    ):
        for name, function in functions().items():
            if function.talk:
                page.driver.get(f"{server.url}/talk/{name}/")
                talk(page, IMAGES / f"{name}.png")
            else:
                page.open(server, name)
                draw(page, name, IMAGES / f"{name}.png")
