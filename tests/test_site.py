"""The documentation as a site: it is built without a warning, every link leads somewhere, and questions are two clicks away."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import weightlens

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("mkdocs") is None, reason="MkDocs is not installed: pip install '.[docs]'"),
]
QUESTIONS = {  # what a newcomer looks for, and what the page has to say
    "how-to/check-a-calculation-by-hand/index.html": "--by-hand",
    "how-to/open-an-old-file/index.html": "Today's Keras opens the new file",
    "how-to/read-an-lstm-sheet/index.html": "forget gate",
}


class Page(HTMLParser):
    """The links and pictures of a page, and the places in it that a link can name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.names: set[str] = set()
        self.text = path.read_text()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.names |= {value for key in ("id", "name") if (value := given.get(key))}
        self.targets += [value for key in ("href", "src") if (value := given.get(key))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as .ci/run builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def inside(path: Path, target: str) -> Path | None:
    """The file that a link leads to; ``None`` for a link to somewhere else."""
    split = urlsplit(target)
    if split.scheme or split.netloc or not split.path:
        return None
    place = (path.parent / unquote(split.path)).resolve()
    return place / "index.html" if place.is_dir() else place


def test_every_link_and_picture_is_there(pages: dict[Path, Page]) -> None:
    count = 0
    for path, page in pages.items():
        for target in page.targets:
            place, anchor = inside(path, target), urlsplit(target).fragment
            if place is None and urlsplit(target).scheme:
                continue
            there = place or path
            assert there.exists(), f"{path}: {target}"
            assert not anchor or there not in pages or anchor in pages[there].names, f"{path}: {target}"
            count += 1
    assert count > 500


def test_nothing_is_fetched_from_elsewhere(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        loaded = re.findall(r"<(?:script|img|iframe)[^>]*\bsrc=\"(\w+:)?//|<link[^>]*rel=\"stylesheet\"[^>]*href=\"https?:", page.text)
        assert not loaded, path


def test_every_page_is_in_the_site(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("")
        assert (site / (name if name.name != "index" else name.parent) / "index.html").exists(), name


def clicks(site: Path, pages: dict[Path, Page]) -> dict[Path, int]:
    """How many clicks each page is away from the front page, by the links in the text of the pages: without the menu."""
    found = {site / "index.html": 0}
    queue = [site / "index.html"]
    for path in queue:
        text = re.search(r"<article.*?</article>", pages[path].text, re.DOTALL)
        assert text is not None
        for target in re.findall(r'href="([^"]+)"', text[0]):
            place = inside(path, target)
            if place in pages and place not in found:
                found[place] = found[path] + 1
                queue.append(place)
    return found


def test_every_page_is_two_clicks_from_the_front_page(site: Path, pages: dict[Path, Page]) -> None:
    away = clicks(site.resolve(), {path.resolve(): page for path, page in pages.items()})
    how_to = [path for path in pages if "how-to" in path.parts and path.parent.name != "how-to"]
    assert len(how_to) > 10 and all(away[path.resolve()] == 1 for path in how_to)
    assert {path.resolve() for path in pages} - {*away} <= {(site / "how-to" / "index.html").resolve()}
    assert max(away.values()) <= 2
    for page, says in QUESTIONS.items():
        assert says in (site / page).read_text()


def test_the_reference_has_every_public_function_with_its_words(site: Path) -> None:
    text = (site / "api" / "index.html").read_text()
    for name in weightlens.__all__:
        if name in ("LayerSpec", "LiveModel", "Recorder", "Audit", "Finding"):  # what others return or take
            continue
        assert re.search(rf'id="weightlens\.[\w.]*\b{name}"', text), name
    assert "&gt;&gt;&gt; " not in re.sub(r"<code.*?</code>", "", text, flags=re.DOTALL), "examples are blocks of code"


def test_the_commands_are_described_by_their_own_help(site: Path) -> None:
    from weightlens.cli.main import COMMANDS

    text = (site / "commands" / "index.html").read_text()
    assert all(f"Usage: weightlens {name} " in text for name in COMMANDS)
