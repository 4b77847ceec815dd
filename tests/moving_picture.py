"""`python tests/moving_picture.py` draws docs/images/page.webp: a person on the page, on the base that ships.

It types, presses the button and reads; what is written is what the models wrote just then. Needs Chromium.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from browser import Page, chromium
from package_copy import ROOT
from PIL import Image
from suite_server import serving

OUT = ROOT / "docs" / "images" / "page.webp"
WIDTH, HEIGHT = 1000, 720  # of the window, in CSS pixels
_MOST_BYTES = 2_000_000
_LONGEST_STILL = 900  # milliseconds that nothing happens while a model thinks; the film does not wait longer
#: Function, field, what is typed there, how long the answer is read in milliseconds.
SCENES = (
    ("change_style", "text", "저는 어제 친구를 만나서 맛있는 김치찌개를 먹었습니다.", 2500),
    ("write_comment", "topic", "동네 빵집", 3500),
    ("classify_emotion", "text", "드디어 시험에 합격했어! 너무 기쁘다.", 3000),
)


@dataclass
class Film:
    """Frames and how long each is seen, in milliseconds."""

    page: Page
    frames: list[Image.Image] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)

    def take(self, milliseconds: int) -> None:
        """What the page shows now, seen that long; a frame like the last one prolongs it."""
        shot = self.page.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
        if self.frames and image.tobytes() == self.frames[-1].tobytes():
            self.durations[-1] += milliseconds
        else:
            self.frames.append(image)
            self.durations.append(milliseconds)

    def take_until_answered(self, function: str) -> None:
        """Presses the button; frames as they come until the whole answer is there, stills cut short."""
        self.page.click(f"#{function}-run")
        last = time.monotonic()
        while not self.page.answers(function) or self.page.texts(f"#{function}-stop"):
            now = time.monotonic()
            self.take(min(400, int((now - last) * 1000)))
            self.durations[-1] = min(self.durations[-1], _LONGEST_STILL)
            last = now

    def save(self, out: Path) -> None:
        for quality in (75, 60, 45, 30):
            first, *others = self.frames
            first.save(
                out, save_all=True, append_images=others, duration=self.durations, loop=0, quality=quality, method=6
            )
            if out.stat().st_size < _MOST_BYTES:
                return
        raise SystemExit(f"{out} is larger than {_MOST_BYTES:,} bytes at the lowest quality.")


def play(film: Film, function: str, name: str, text: str, reading: int) -> None:
    """One scene: to the function's tab, typing, the button, the answer."""
    page = film.page
    page.choose(function)
    page.driver.execute_script("scrollTo(0, 0)")
    film.take(700)
    for end in range(2, len(text) + 2, 2):
        page.put(function, name, text[:end])
        film.take(90)
    film.take(500)
    film.take_until_answered(function)
    film.take(reading)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        base = {"KOGPT_BASE": "gemma"}
        with serving(folder / "log", environment=base) as server, chromium(folder / "profile", "ko-KR") as page:
            screen = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
            page.open(server)
            page.driver.execute_script("document.documentElement.style.scrollbarWidth = 'none'")
            film = Film(page)
            for scene in SCENES:
                play(film, *scene)
            film.save(OUT)
    size, seconds = OUT.stat().st_size, sum(film.durations) / 1000
    print(f"{OUT}: {len(film.frames)} frames, {seconds:.0f} s, {size:,} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
