"""The sheet Network: the network drawn as boxes and lines of cells, with what each layer answers to the picked sample.

Boxes and lines are cells with borders, which every spreadsheet program draws alike. What is connected with what is as the model
was recorded: a layer that is called twice has two boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from weightlens.call_order import calls_in_order, path_of_call, refs
from weightlens.model import Layer
from weightlens.recording import Recorded
from weightlens.recording.graph import is_inside
from weightlens.specs.sizes import tuple_text
from weightlens.words.layer_words import call_words
from weightlens.workbook.drawing.graph_layout import Drawing, laid_out
from weightlens.workbook.drawing.output_strips import strip_of, write_strip
from weightlens.workbook.neuron.neuron_sheet import first_sample
from weightlens.workbook.sheets.controls import drop_down, labelled_cell, sample_to_show
from weightlens.workbook.sheets.frame import SECTION, link_to_layer
from weightlens.workbook.sheets.network import Drawn, NetworkSheets
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import FILLS, Look

MOST_BOXES = 32
WIDTH, BETWEEN = 8, 2  # columns of a box, and between two boxes
LEFT, TOP = 1, SECTION + 3  # the first column and row of the drawing
CELL, GAP = 5.2, 3.0  # characters of these columns
HEIGHT = 5  # rows of a box
LOW, ARROW = 9.0, 13.0  # heights of the rows between boxes
HINT = "The network from top to bottom, with what each layer answers to the picked sample. A layer's name leads to its numbers."


class Node(NamedTuple):
    """A box: a call of a layer, or an input; the path of its steps; what it hands on, as far as that is known.

    ``again``: the layer was called before.
    """

    layer: Layer
    path: str
    outputs: list[Recorded]
    reads: list[int]
    is_repeat: bool

    @property
    def words(self) -> str:
        """What the layer is; of one that has a box already, that its weights are the same ones."""
        weights = ": the same weights" if self.layer.size else ""
        return f"{self.layer.name} once more{weights}" if self.is_repeat else call_words(self.layer)


def nodes_of(net: NetworkSheets) -> list[Node]:
    """The boxes in an order in which each comes after those it reads."""
    model, trace = net.model, net.plan.trace
    inputs = dict.fromkeys((ref.layer, ref.call) for ref in refs(model.inputs))
    number: dict[tuple[str, int], int] = {}
    nodes: list[Node] = []
    for name, call in inputs:
        number[(name, call)] = len(nodes)
        made = [x for x, known in zip(trace.inputs, trace.input_names, strict=True) if known == name]
        nodes.append(Node(model[name], name, made, [], is_repeat=False))
    for layer, call, made_by in calls_in_order(model):
        reads = dict.fromkeys((ref.layer, ref.call) for ref in refs((made_by.args, made_by.kwargs)))
        path = path_of_call(layer.name, call)
        number[(layer.name, call)] = len(nodes)
        made = [x for x in trace.layer_outputs.get(path, []) if x is not None]
        nodes.append(Node(layer, path, made, [number[key] for key in reads], is_repeat=call > 0))
    return nodes


def empty_sheet(net: NetworkSheets) -> Sheet | None:
    """The sheet, still empty, after the Summary; ``None`` where the network is too large to be drawn, or is to be filled in."""
    count = sum(max(1, len(layer.calls)) for layer in net.model.layers)
    return net.plan.sheet("Network", hint=HINT) if 2 <= count <= MOST_BOXES and not net.options.blanks else None


def draw(net: NetworkSheets, sheet: Sheet, drawn: Drawn) -> None:
    """All boxes and lines; ``drawn`` are the sheets of the layers, and the answer in words."""
    nodes = nodes_of(net)
    drawing = laid_out(len(nodes), [(a, b) for b, node in enumerate(nodes) for a in node.reads])
    for slot in range(drawing.width):
        first = first_column(slot)
        sheet.widths |= {(first, first + WIDTH - 1): CELL, (first + WIDTH, first + WIDTH + BETWEEN - 1): GAP}
    sheet.widths[(0, 0)] = GAP
    first = first_sample(net)
    choice = sample_to_show(net, first)
    pick = labelled_cell(net, sheet, LEFT + 2, choice.name, choice.text, choice.words, row=SECTION)
    if choice.numbers is not None:
        sheet.finishing.append(drop_down(pick.place, choice.numbers))
    net.plan.names["network_sample"] = (sheet.number, pick.place)
    rows = rows_of_ranks(drawing)
    pen = Pen(net, sheet, drawing, rows)
    pen.draw_lines()
    results = {id(x) for x in net.plan.trace.results}
    for i, node in enumerate(nodes):
        role = "input" if not node.reads else "output" if results & {id(x) for x in node.outputs} else "layer"
        column, row = first_column(drawing.slots[i]), rows[drawing.ranks[i]]
        pen.draw_box(row, column, node, role, home_of(net, node, drawn.homes))
        strip = strip_of(net, node.outputs[0], f"{pick.place}+1", first) if node.outputs else None
        if strip is not None:
            write_strip(net, sheet, row + HEIGHT - 2, column, WIDTH, strip)
            if drawn.winner is not None and f"{drawn.winner.layer}/".startswith(f"{node.path}/"):
                formula = f'"{strip.words}; answer: "&{drawn.winner.of_sample(f"{pick.place}+1")}'
                said = f"{strip.words}; answer: {drawn.winner.found[first]}"
                under = sheet.texts[(row + HEIGHT - 1, column)]
                sheet.texts[(row + HEIGHT - 1, column)] = Text(style=under.style, formula=formula, value=said)
    sheet.freeze = (SECTION + 1, 0)
    ends = [row + HEIGHT for row in rows]
    sheet.kept = [*pairwise([0, *ends])]  # the boxes of a rank with the lines to them


def home_of(net: NetworkSheets, node: Node, homes: Mapping[str, Sheet]) -> Sheet | None:
    """The sheet on which the numbers of a box stand."""
    if not node.reads and node.path in net.plan.trace.input_names:
        return net.home
    for owner in (node.path, node.layer.name):  # this call's own sheets first: of a further call they may be those of the layer
        if found := homes.get(owner) or next((sheet for path, sheet in homes.items() if is_inside(path, owner)), None):
            return found
    return None


def first_column(slot: int) -> int:
    """The first column of a box in a slot."""
    return LEFT + slot * (WIDTH + BETWEEN)


def rows_of_ranks(drawing: Drawing) -> list[int]:
    """The first row of the boxes of each rank."""
    rows = [TOP]
    for lines in drawing.lines:
        rows.append(rows[-1] + HEIGHT + 2 + max(line.track for line in lines) + 1)
    return rows


class Pen:
    """Draws boxes and lines with the borders of cells."""

    def __init__(self, net: NetworkSheets, sheet: Sheet, drawing: Drawing, rows: list[int]) -> None:
        self.net, self.sheet, self.drawing, self.rows = net, sheet, drawing, rows
        self.sides: dict[tuple[int, int], set[str]] = {}

    def draw_lines(self) -> None:
        """All lines, and an arrow where one reaches a box."""
        for rank, lines in enumerate(self.drawing.lines, start=1):
            first, arrow = self.rows[rank - 1] + HEIGHT, self.rows[rank] - 1
            for row in range(first, arrow):
                self.sheet.heights[row] = LOW
            self.sheet.heights[arrow] = ARROW
            for line in lines:
                across = first + 1 + line.track
                self.vertical(line.start, first, across)
                self.horizontal(across, min(line.start, *line.ends), max(line.start, *line.ends))
                for slot in line.ends:
                    self.vertical(slot, across, arrow if slot in line.arrows else arrow + 1)
                for slot in line.arrows:
                    self.arrow(arrow, slot)
            for slot in self.drawing.passing[rank]:
                self.vertical(slot, arrow, self.rows[rank] + HEIGHT)
        for place, sides in self.sides.items():
            look = Look(border="medium", sides=" ".join(sorted(sides)))
            self.sheet.texts.setdefault(place, Text(style=self.net.styles.style_id(look)))

    def vertical(self, slot: int, top: int, bottom: int) -> None:
        """A line in the middle of a slot, from the top of one row to the top of another."""
        for row in range(top, bottom):
            self.sides.setdefault((row, first_column(slot) + WIDTH // 2), set()).add("left")

    def horizontal(self, row: int, first: int, last: int) -> None:
        """A line at the top of a row, from the middle of a slot to that of another."""
        for column in range(first_column(first) + WIDTH // 2, first_column(last) + WIDTH // 2):
            self.sides.setdefault((row, column), set()).add("top")

    def arrow(self, row: int, slot: int) -> None:
        """The head of an arrow above a box."""
        left = first_column(slot) + WIDTH // 2 - 1
        self.sheet.write(row, left, "\u25bc", self.net.styles.style_id(Look(align="center", colour="6B6B6B", size=9)))
        self.sheet.merge(row, left, left + 1)

    def draw_box(self, row: int, column: int, node: Node, role: str, home: Sheet | None) -> None:
        """The name of a layer, its call, the shape of what it hands on, and room for numbers."""
        for i in range(HEIGHT):
            left, middle, right = (self.box_style(role, i, j) for j in (0, 1, WIDTH - 1))
            for j, style in enumerate([left, *[middle] * (WIDTH - 2), right]):
                self.sheet.texts[(row + i, column + j)] = Text(style=style)
            if i != HEIGHT - 2:
                self.sheet.merge(row + i, column, column + WIDTH - 1)
        shapes = "; ".join(tuple_text(x.shape[1:]) for x in node.outputs)
        for i, text in enumerate((node.path, node.words, f"{shapes} for each sample" if shapes else "")):
            self.sheet.texts[(row + i, column)].text = text
        if home is not None:
            self.sheet.links[(row, column)] = link_to_layer(self.net.plan, home, node.path)

    def box_style(self, role: str, i: int, j: int) -> int:
        """How a cell of a box looks: the name is bold, what is at an edge has a line there."""
        edges = {"top": i == 0, "bottom": i == HEIGHT - 1, "left": j == 0, "right": j == WIDTH - 1}
        sides = " ".join(side for side, there in edges.items() if there)
        fill, size = FILLS.get(role, "FFFFFF"), 10 if i == 0 else 8
        look = Look(fill, bold=i == 0, size=size, align="center", shrink=True, border="medium" if sides else "", sides=sides)
        return self.net.styles.style_id(look)
