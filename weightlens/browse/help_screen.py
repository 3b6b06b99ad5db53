"""The keys, and the screen that lists them."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = (
    ("up, down", "another matrix; in a matrix, a row"),
    ("enter, tab", "from the list into the matrix, and back"),
    ("left, right", "a column"),
    ("page up, page down", "ten rows"),
    ("home, end", "the first or the last column"),
    ("[ and ]", "another filter, channel, head or sample"),
    (":12,3", "jump to an index, as --slice counts"),
    ("/kernel", "only names with this in them; empty for all"),
    ("d", "the difference from another file, and back"),
    ("t", "the steps for an input (0,1 or a file), and back"),
    ("y", "copy the number"),
    ("Y", "copy all rows and columns that belong together"),
    ("q", "quit"),
)


class HelpScreen(ModalScreen[None]):
    """The keys over the model; any key closes it."""

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen Static { width: auto; height: auto; max-width: 100%; padding: 0 1; border: round $primary; background: $surface; }
    """

    def compose(self) -> ComposeResult:
        """The list."""
        rows = (Text.assemble((f"{key:<19}", "bold"), words) for key, words in KEYS)
        yield Static(Text("\n").join(rows))

    def on_key(self) -> None:
        """Any key closes it."""
        self.dismiss()
