"""A headless Chromium on the suite's page, and what a person does there, by the names of functions and fields."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from suite_server import Server

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_SECONDS = 60
_AXE = Path(__file__).with_name("axe") / "axe.min.js"
#: Serious and critical findings of axe-core, each with the elements it is about.
_FINDINGS = """
const [within, done] = arguments;
axe.run(within, {resultTypes: ["violations"], iframes: false}).then(({violations}) => done(violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .map(({id, nodes}) => `${id}: ${nodes.map(n => n.target.join(" ") + " " + n.any.map(a => a.message)).join("; ")}`)
), (error) => done([String(error)]));
"""
#: Read in one go: an element that the page is about to replace cannot be asked twice.
_TEXTS = "return [...document.querySelectorAll(arguments[0])].filter(e => e.offsetParent).map(e => e.innerText.trim())"
PUT = """
const [field, text] = arguments;
Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, text);
field.dispatchEvent(new Event("input", {bubbles: true}));
"""


class Page:
    """A browser on the suite's page; what a person does there, by the names of functions and fields."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, server: Server, function: str = "") -> None:
        self.driver.get(f"{server.url}/")
        self.wait(lambda: self.all("button[role=tab]"))
        if function:
            self.choose(function)

    def choose(self, function: str) -> None:
        self.click(f"button[role=tab][data-tab-id={function}]")
        self.wait(lambda: self.texts(f"#{function}-run") and self.answer(function))

    def click(self, css: str) -> None:
        """A click as soon as nothing is in its way: the page may still be settling."""
        ready = (ElementClickInterceptedException, ElementNotInteractableException, StaleElementReferenceException)
        WebDriverWait(self.driver, _SECONDS, 0.1, ready).until(lambda _: self.one(css).click() or True)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """The texts of the visible elements."""
        return self.driver.execute_script(_TEXTS, css)

    def wait(self, condition: Callable[[], Any]) -> None:
        WebDriverWait(self.driver, _SECONDS, 0.1).until(lambda _: condition())

    def box(self, function: str, field: str) -> WebElement:
        return self.one(f"#{function}-{field} :is(textarea, input)")

    def put(self, function: str, field: str, text: str) -> None:
        """Sets a text at once, as a paste does."""
        self.driver.execute_script(PUT, self.box(function, field), text)

    def run(self, function: str) -> None:
        """Presses the button and waits for the end: an answer or a complaint other than those that stand there."""
        before = self.answer(function), self.alerts(function)
        self.click(f"#{function}-run")
        self.wait(lambda: (self.answer(function), self.alerts(function)) != before)
        self.wait(lambda: self.texts(f"#{function}-run"))

    def answer(self, function: str) -> str:
        return "\n".join(self.texts(f"#{function} .kogpt-answer .html-container"))

    def answers(self, function: str) -> list[str]:
        kinds = ".kogpt-text, .kogpt-headline, .kogpt-fact, .kogpt-bars li, .kogpt-chips li"
        return [text for text in self.texts(f"#{function} .kogpt-answer :is({kinds})") if text]  # not what is folded

    def alerts(self, function: str) -> list[str]:
        return self.texts(f"#{function} [role=alert]")

    def complaints(self) -> list[str]:
        """What the browser's console holds against the page."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def screen(self, width: int, scheme: str = "light", height: int = 800) -> None:
        """What the page is shown on from now on: so many pixels, a phone if they are few; light or dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def findings(self, within: str = "html") -> list[str]:
        """What axe-core finds serious or critical inside the element `within`."""
        if not self.driver.execute_script("return Boolean(window.axe)"):
            self.driver.execute_script(_AXE.read_text(encoding="utf-8"))
        return self.driver.execute_async_script(_FINDINGS, within)

    def requests_elsewhere(self, server: Server) -> list[str]:
        """Addresses of other hosts that the browser asked for while it showed the page."""
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        sent = (m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent")
        return [
            url for url in sent if re.match("(http|ws)s?:", url) and urlsplit(url).netloc != urlsplit(server.url).netloc
        ]


@contextmanager
def chromium(folder: Path, language: str) -> Iterator[Page]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in (*_FLAGS, f"--lang={language}", f"--user-data-dir={folder}", "--window-size=1280,1000"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver") or "chromedriver"))
    try:
        yield Page(driver)
    finally:
        driver.quit()
