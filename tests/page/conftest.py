"""Pages in a real browser, without a network."""

from __future__ import annotations

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


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Export a model and open its page; at the end nothing may have gone wrong in it."""
    pages: list[Shown] = []
    context = browser.new_context(offline=True)

    def show(model: Any, inputs: Any = None, **options: Any) -> Shown:
        path = tmp_path / f"{len(pages)}.html"
        weightlens.export(model, path, inputs=inputs, **options)
        pages.append(Shown(context.new_page()))
        pages[-1].page.goto(path.as_uri())
        pages[-1].run("weightlens.ready")
        return pages[-1]

    yield show
    context.close()
    assert [page.complaints for page in pages if page.complaints] == []
