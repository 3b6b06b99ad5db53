"""Pages in a real browser, without a network."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import weightlens

Open = Callable[..., "Shown"]


class Shown:
    """A page that is open, and what went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(("file:", "blob:")) else self.complaints.append(request.url))

    def run(self, script: str, argument: Any = None) -> Any:
        """What a script gives."""
        return self.page.evaluate(script, argument)

    def numbers(self) -> dict[str, list[Any]]:
        """Everything that has a name."""
        found: dict[str, list[Any]] = self.run("Object.fromEntries(weightlens.names().map((name) => [name, weightlens.get(name)]))")
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, as Debian has it. Playwright's event loop runs while it is open: it ends with the module, for others need their own."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def tab(browser: Any) -> Shown:
    """One tab for all pages of a module: a new one for each takes as long as the page itself."""
    return Shown(browser.new_context(offline=True).new_page())


@pytest.fixture
def shown(tab: Shown, tmp_path: Path) -> Iterator[Open]:
    """Export a model and open its page; at the end nothing may have gone wrong in it."""
    size = tab.page.viewport_size
    files = (tmp_path / f"{number}.html" for number in itertools.count())

    def show(model: Any, inputs: Any = None, **options: Any) -> Shown:
        path = next(files)
        weightlens.export(model, path, inputs=inputs, **options)
        tab.page.goto(path.as_uri())
        tab.run("weightlens.ready")
        return tab

    yield show
    complaints, tab.complaints = tab.complaints, []
    tab.page.mouse.move(0, 0)
    tab.page.set_viewport_size(size)
    assert complaints == []
