"""Headless Chromium for tests: pages opened, what they asked for and complained of, pictures.

The browser is the system's own, playwright only drives it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import playwright.sync_api

NAMES = ("chromium", "chromium-browser", "google-chrome")
# The sandbox does not start as root; the others keep the browser from calling home.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WIDTH, HEIGHT = 1600, 900
PICTURES = "[...document.images].map(each => [each.naturalWidth, each.naturalHeight])"
DRAWINGS = """[...document.querySelectorAll('svg')].map(each => each.getBoundingClientRect())
    .map(box => [box.width, box.height])"""


@dataclass
class Page:
    """An open page, the addresses it asked for, and the errors on its console."""

    view: "playwright.sync_api.Page"
    folder: Path
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        """Go to an address."""
        self.view.goto(url)

    def shows(self, *texts: str) -> None:
        """Wait until each text is seen on the page, alone in an element.

        Raises:
            playwright.sync_api.TimeoutError: one does not appear.
        """
        for text in texts:
            self.view.get_by_text(text, exact=True).filter(visible=True).first.wait_for()

    def pictures(self) -> list[tuple[int, int]]:
        """The sizes of its pictures in pixels; one that did not load has none."""
        return [(width, height) for width, height in self.view.evaluate(PICTURES)]

    def drawings(self) -> list[tuple[float, float]]:
        """The sizes of its inline drawings as they are shown."""
        return [(width, height) for width, height in self.view.evaluate(DRAWINGS)]

    def keep(self, name: str, whole: bool = False) -> None:
        """Save what is seen, or the whole page, as a picture for people."""
        self.view.screenshot(path=self.folder / f"{name}.png", full_page=whole)


@dataclass(frozen=True)
class Browser:
    """A running browser; `folder` is where the pictures go."""

    running: "playwright.sync_api.Browser"
    folder: Path

    @contextmanager
    def page(self, height: int = HEIGHT) -> Iterator[Page]:
        """A fresh page without memory of others; where a block fails, what was seen is kept."""
        with self.running.new_context(viewport={"width": WIDTH, "height": height}) as context:
            page = Page(context.new_page(), self.folder)
            page.view.on("request", lambda request: page.requests.append(request.url))
            page.view.on("pageerror", lambda error: page.errors.append(str(error)))
            page.view.on("console", lambda message: _note(page, message))
            try:
                yield page
            except Exception:
                page.keep("failed")
                raise


def _note(page: Page, message: Any) -> None:
    if message.type == "error":
        page.errors.append(message.text)


def executable() -> str | None:
    """Where the system's Chromium lies, None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium(path: str, folder: Path) -> Iterator[Browser]:
    """A browser for the length of a block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield Browser(running, folder)
        finally:
            running.close()
