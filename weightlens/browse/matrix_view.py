"""The matrix that is picked: heat map and numbers, in which one moves with the arrows."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget

from weightlens.browse.drawing import Drawer
from weightlens.browse.listing import Item
from weightlens.browse.plane import Index, plane_of
from weightlens.errors import WeightlensError
from weightlens.terminal import clean

PAGE, FAR = 10, 1 << 62


class MatrixView(Widget, can_focus=True):
    """One item, and the index of the element that is marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)"), Binding("down", "move(1, 0)"), Binding("left", "move(0, -1)"), Binding("right", "move(0, 1)"),
        Binding("pageup", f"move({-PAGE}, 0)"), Binding("pagedown", f"move({PAGE}, 0)"),
        Binding("home", f"move(0, {-FAR})"), Binding("end", f"move(0, {FAR})"),
    ]  # fmt: skip

    def __init__(self, colours: str) -> None:
        super().__init__()
        self.drawer = Drawer(colours, {})
        self.item: Item | None = None
        self.index: Index = ()

    def show(self, item: Item | None) -> None:
        """Show an item, its first element marked."""
        if item is not self.item:
            self.item = item
            self.go((0,) * len(item.weight.shape) if item is not None else ())

    def go(self, index: Index) -> None:
        """Mark an element."""
        self.index = index
        self.refresh()

    def action_move(self, down: int, across: int) -> None:
        """Move by rows and columns."""
        if self.item is not None:
            self.go(plane_of(self.item).moved(self.index, down, across))

    def turn(self, by: int) -> None:
        """To the slice before or after."""
        if self.item is not None:
            self.go(plane_of(self.item).turned(self.index, by))

    def render(self) -> Text:
        """The frame."""
        if self.item is None:
            return Text("no matrix")
        width, height = self.content_size
        try:
            lines = self.drawer.frame(self.item, self.index, width, height)
        except (WeightlensError, OSError) as error:  # the file is damaged, or gone
            return Text(clean(error, 400), "bold red")
        for line in lines:
            line.truncate(width)
        return Text("\n").join(lines)
