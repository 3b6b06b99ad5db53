"""The application: a list of matrices at the left, the one that is picked at the right, a line for what is typed at the bottom."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.console import RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from weightlens.browse.drawing import exact
from weightlens.browse.listing import Item, difference_items, step_items, weight_items
from weightlens.browse.matrix_view import MatrixView
from weightlens.browse.plane import plane_of
from weightlens.errors import WeightlensError
from weightlens.model import Model
from weightlens.recording import Trace
from weightlens.specs.sizes import tuple_text
from weightlens.terminal import clean

HINTS = "/ filter  : jump  [ ] slice  d difference  t trace  y copy  ? help  q quit"
COPIED = 100_000  # numbers of a slice that are copied
MARKS = {True: "≠ ", False: "= ", None: "  "}
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


class Doors(NamedTuple):
    """How the browser reaches what is outside: another file by its path, and the trace of an input as the command line takes it."""

    load: Callable[[str], Model]
    trace: Callable[[str], Trace]


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


class Browser(App[None]):
    """A model to look around in. ``items`` is what can be picked now; ``mode`` says what that is: weights, difference, trace."""

    CSS = """
    Screen { layout: vertical; }
    #title, #bottom { height: 1; }
    #title { background: $primary-background; }
    #list {
        width: 30%; min-width: 20; max-width: 44; height: 1fr; border: none; padding: 0;
        scrollbar-size-vertical: 1; text-wrap: nowrap; text-overflow: ellipsis;
    }
    #prompt { height: 1; border: none; padding: 0; display: none; }
    MatrixView { width: 1fr; height: 1fr; padding: 0 0 0 1; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit"), Binding("ctrl+c", "quit"),
        Binding("slash", "ask('/')"), Binding("colon", "ask(':')"), Binding("question_mark", "help"),
        Binding("d", "to('difference', 'd')"), Binding("t", "to('trace', 't')"), Binding("y", "copy"), Binding("Y", "copy_slice"),
        Binding("escape", "leave"),
        Binding("left_square_bracket", "turn(-1)"), Binding("right_square_bracket", "turn(1)"),
    ]  # fmt: skip

    def __init__(self, model: Model, doors: Doors, colours: str, facts: Sequence[str], against: str = "") -> None:
        super().__init__()
        self.model, self.doors, self.against, self.facts = model, doors, against, facts
        self.mode, self.asked, self.filter = "weights", "", ""
        self.items = weight_items(model)
        self.shown: list[Item] = []
        self.matrix = MatrixView(colours)

    def compose(self) -> ComposeResult:
        """Title, list and matrix, and at the bottom what is typed or said."""
        yield Static(id="title")
        with Horizontal():
            yield OptionList(id="list", markup=False)
            yield self.matrix
        prompt = Input(id="prompt", compact=True)
        prompt.cursor_blink = False
        yield prompt
        yield Static(HINTS, id="bottom", markup=False)

    def on_mount(self) -> None:
        """Show the first matrix, or the difference asked for at the start."""
        if not self.is_headless:
            self.end_on_signals()
        self.fill()
        self.options.focus()
        if self.against:
            self.answer("d", self.against)

    def end_on_signals(self) -> None:
        """Leave the screen as it was when the process is told to end."""
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # not all systems have all of them
            if number := getattr(signal, name, 0):
                with contextlib.suppress(NotImplementedError):
                    asyncio.get_running_loop().add_signal_handler(number, self.exit, None, 128 + number)

    def panic(self, *renderables: RenderableType) -> None:
        """End where Textual cannot go on: with its own error, or because what was typed or pasted is neither text nor a key."""
        if any(isinstance(one, Exception) for one in renderables):
            super().panic(*renderables)
        else:
            self.exit(None, 2, "Error: the terminal sent bytes that are no text of UTF-8 and no key")

    @property
    def options(self) -> OptionList:
        """The list at the left."""
        return self.query_one("#list", OptionList)

    # -- the list ----------------------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """List what the filter lets through, each layer as a heading."""
        wanted = self.filter.casefold()
        self.shown = [item for item in self.items if wanted in item.name.casefold()]
        options: list[Option] = []
        for number, item in enumerate(self.shown):
            if number == 0 or item.group != self.shown[number - 1].group:
                options.append(Option(Text(clean(item.group), "bold", no_wrap=True), disabled=True))
            size = Text(f" {tuple_text(item.weight.shape)}", "dim")
            options.append(Option(Text.assemble(MARKS[item.differs], clean(item.title), size, no_wrap=True), id=str(number)))
        self.options.clear_options()
        self.options.add_options(options)
        name, *facts = self.facts
        words = {"weights": [], "difference": [f"{self.against} minus this file"], "trace": ["trace"]}[self.mode]
        self.query_one("#title", Static).update(Text(clean(" · ".join([name, *words, *facts]), 400), no_wrap=True))
        if self.shown:
            self.options.highlighted = 1
        self.matrix.show(self.shown[0] if self.shown else None)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the matrix that the bar is on."""
        if event.option_id is not None and int(event.option_id) < len(self.shown):
            self.matrix.show(self.shown[int(event.option_id)])

    def on_option_list_option_selected(self) -> None:
        """Go into the matrix."""
        self.matrix.focus()

    def change(self, mode: str, items: list[Item]) -> None:
        """List something else, unfiltered."""
        self.mode, self.items, self.filter = mode, items, ""
        self.fill()

    # -- what is typed -----------------------------------------------------------------------------------------------------------

    def action_ask(self, what: str) -> None:
        """Let something be typed: ``/``, ``:``, ``d`` or ``t`` says what."""
        self.asked = what
        prompt = self.query_one("#prompt", Input)
        prompt.placeholder = {"/": "filter", ":": "index", "d": "another file", "t": "input: 0,1 or a file; empty for a sensible one"}[what]
        prompt.value = self.filter if what == "/" else ""
        prompt.display, self.query_one("#bottom").display = True, False
        prompt.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        if self.asked == "/" and event.value != self.filter:
            self.filter = event.value
            self.fill()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what was asked for."""
        asked = self.asked
        self.action_leave()
        self.answer(asked, event.value.strip())

    def answer(self, asked: str, text: str) -> None:
        """Take what was typed; what is wrong with it is said at the bottom."""
        try:
            if asked == ":" and text and self.matrix.item is not None:
                self.matrix.go(plane_of(self.matrix.item).jumped(self.matrix.index, text))
                self.matrix.focus()
            elif asked == "d" and text:
                other = self.doors.load(text)
                self.against = text
                self.change("difference", difference_items(weight_items(self.model), other))
            elif asked == "t":
                trace = self.doors.trace(text)
                self.change("trace", step_items(trace))
                self.say(trace.stopped)
        except (WeightlensError, OSError) as error:
            self.say(str(error))

    def action_leave(self) -> None:
        """Close what is typed into, or go back to the list."""
        self.asked = ""
        self.query_one("#prompt", Input).display, self.query_one("#bottom").display = False, True
        self.options.focus()

    def say(self, text: str) -> None:
        """Say something at the bottom; the hints, if there is nothing to say."""
        self.query_one("#bottom", Static).update(Text(clean(text, 400), "bold", no_wrap=True) if text else Text(HINTS, no_wrap=True))

    def on_key(self) -> None:
        """The hints come back with the next key."""
        self.say("")

    # -- the other keys ----------------------------------------------------------------------------------------------------------

    def action_to(self, mode: str, what: str) -> None:
        """To the difference from another file, or to the steps for an input, and back."""
        if self.mode == mode:
            self.change("weights", weight_items(self.model))
        else:
            self.action_ask(what)

    def action_turn(self, by: int) -> None:
        """To the slice before or after."""
        self.matrix.turn(by)

    def action_copy(self) -> None:
        """Copy the number."""
        if (item := self.numbers) is not None:
            self.copy(lambda: exact(item.weight, self.matrix.index))

    def action_copy_slice(self) -> None:
        """Copy the slice as rows of numbers with tabs between them."""
        if (item := self.numbers) is None:
            return
        plane = plane_of(item)
        rows, columns = range(plane.rows), range(plane.columns)
        if plane.rows * plane.columns > COPIED:
            self.say(f"{plane.rows:,} x {plane.columns:,} numbers are not copied; show --slice --format csv writes them")
        else:
            words = f"{plane.rows:,} x {plane.columns:,} numbers"
            self.copy(lambda: "\n".join("\t".join(map(str, row)) for row in plane.numbers(self.matrix.index, rows, columns)), words)

    @property
    def numbers(self) -> Item | None:
        """The matrix that is shown, where it holds numbers."""
        item = self.matrix.item
        return item if item is not None and item.weight.is_numeric and item.weight.size else None

    def copy(self, read: Callable[[], str], words: str = "") -> None:
        """Put a text where the terminal pastes from."""
        try:
            text = read()
        except (WeightlensError, OSError) as error:  # the file is damaged, or gone
            self.say(str(error))
        else:
            self.copy_to_clipboard(text)
            self.say(f"copied: {words or text}")

    def action_help(self) -> None:
        """List the keys."""
        self.push_screen(HelpScreen())
