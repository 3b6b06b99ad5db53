"""What is picked on the sheet Neuron, found once on the sheet Neuron data: the rows of the tables, the products, the curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weightlens.recording import Recorded
from weightlens.workbook.formulas.cell_arrays import COLUMN, ROW, SHEET, absolute, cell_name
from weightlens.workbook.layout.choices import in_rows
from weightlens.workbook.neuron.curves import LINEAR, NO_CURVE, SOFTMAX, SOFTMAX_CURVE, Curve
from weightlens.workbook.neuron.data_tables import FIELDS, FIRST, KEY, LABEL, TABLES, Tables
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Block, Text
from weightlens.workbook.xlsx.book import Sheet

START = 5  # the row of the first thing that is picked
POINTS = 41  # of a curve; one more is the sum itself
REACH = 6  # a curve goes from -6 to 6 at least
FINE, ROOM = 1_000_000_000, 4096  # products are sorted by whole numbers: their size in billionths of the largest, then their order


@dataclass(frozen=True, eq=False)
class Start:
    """What is picked at first, with its numbers: the first layer, its first unit, the place in the middle."""

    sample: int
    place: int
    inputs: np.ndarray
    weights: np.ndarray
    bias: float
    curve: int
    sums: list[float]
    row: int
    output: float | str

    @property
    def other_sums(self) -> list[float]:
        """The sums of the other units (of the same head), as the network has them."""
        return self.sums[1 : self.row]

    @property
    def others(self) -> float:
        """ln of the sum of e^z over the other units."""
        return float(np.logaddexp.reduce(self.other_sums)) if self.other_sums else -700.0

    @property
    def products(self) -> np.ndarray:
        products: np.ndarray = self.inputs * self.weights
        return products

    @property
    def total(self) -> float:
        """The pre-activation."""
        return float(self.products.sum()) + self.bias

    @property
    def keys(self) -> np.ndarray:
        """Whole numbers by which the products are sorted."""
        sizes = np.abs(self.products)
        relative = sizes / sizes.max() if sizes.max() > 0 else sizes
        keys: np.ndarray = np.round(relative * FINE) * ROOM + ROOM - np.arange(1, len(sizes) + 1)
        return keys


NAMES = (
    "layer", "sample", "inputs", "unit", "place", "input row", "unit number", "place number", "channel", "bias", "curve",
    "sums row", "outputs row", "own sum", "own output", "others", "reach",
)  # fmt: skip
# The cells of what is picked, by name: absolute, without the name of the sheet.
PICKED = {name: absolute(cell_name(((START + i) << 14) + LABEL)) for i, name in enumerate(NAMES)}


def write_picked(net: NetworkSheets, tables: Tables, controls: dict[str, str], start: Start, samples: int) -> None:
    """The rows and numbers of what is picked; ``controls`` are the cells in which that is done."""
    tables.sheet.write(START - 1, KEY, "what is picked", net.styles["caption left"])
    formulas, values = picked_formulas(tables, controls, samples), picked_values(tables, start)
    for name, formula in formulas.items():
        write_one(net, tables, name, formula, values[name])


def shown_names(t: Tables) -> dict[str, str]:
    """What is shown, by name, as formulas: another unit than the one that was picked, where the picked layer has none of that name."""
    at = PICKED
    return {
        "layer": f"INDEX({t.keys},{TABLES + 1}+{at['layer']},1)",
        "unit": f"INDEX({t.labels},{at['unit']},1)",
        "place": f"INDEX({t.labels},{at['place']},1)",
    }


def write_one(net: NetworkSheets, tables: Tables, name: str, formula: str, value: float | str) -> None:
    """One cell of what is picked, with its name."""
    row = START + NAMES.index(name)
    tables.sheet.write(row, KEY, name, net.styles["label left"])
    tables.sheet.texts[(row, LABEL)] = Text(style=net.styles["helper"], formula=formula, value=value)


def picked_formulas(t: Tables, controls: dict[str, str], samples: int) -> dict[str, str]:
    """How each is found; what is not in the tables counts as the first."""
    at = PICKED
    field = {name: t.field(at["layer"], name) for name in FIELDS}

    def found(what: str, where: str, otherwise: str) -> str:
        return f"IF(ISNA(MATCH({what},{where},0)),{otherwise},MATCH({what},{where},0))"

    def within(what: str, most: str | int) -> str:
        return f"IF(ISNUMBER({what}),MAX(1,MIN({most},INT({what}))),1)"

    def row_of(name: str) -> str:
        return f"IF({field[name]}=0,0,{field[name]}+{at['place number']}-1)"

    def own(row: str) -> str:
        return f'IF({at[row]}=0,"",{t.value(at[row], at["unit number"])})'

    group = f"INDEX({t.area},{at['unit']},1)"
    return {
        "layer": found(controls["layer"], t.layers, "1"),
        "sample": within(f"({controls['sample']})+1", samples),
        "inputs": field["inputs"],
        "unit": found(f'{at["layer"]}&"|"&{controls["unit"]}', t.keys, field["first unit"]),
        "place": found(f'{at["layer"]}&"|"&{controls["place"]}', t.keys, field["first place"]),
        "input row": f"{at['place']}+({group}-1)*{field['places']}",
        "unit number": f"{at['unit']}-{field['first unit']}+1",
        "place number": f"{at['place']}-{field['first place']}+1",
        "channel": within(f"({controls['channel']})+1", f"MAX(1,{field['channels']})") + "-1",
        "bias": f"INDEX({t.area},{at['unit']},2)",
        "curve": f"INDEX({t.area},{at['unit']},3)",
        "sums row": row_of("sums"),
        "outputs row": row_of("outputs"),
        "own sum": own("sums row"),
        "own output": own("outputs row"),
    }


def picked_values(t: Tables, start: Start) -> dict[str, float | str]:
    """What they are at first."""
    rows, place = t.rows[0], start.place
    sums, outputs = (row + place + 1 if row >= 0 else 0 for row in (rows.sums, rows.outputs))
    values: dict[str, float | str] = {"layer": 1, "sample": start.sample + 1, "inputs": len(t.neurons[0].names), "channel": 0}
    values |= {"unit": rows.units + 1, "place": rows.places + 1 + place, "input row": rows.places + 1 + place}
    values |= {"unit number": 1, "place number": place + 1, "bias": start.bias, "curve": start.curve, "sums row": sums}
    return values | {"outputs row": outputs, "own sum": start.sums[0] if start.sums else "", "own output": start.output}


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of the sheet Neuron data from row ``START`` on, right of the tables: one number for each input, each point of the curve."""

    sheet: Sheet
    first: int
    height: int

    def area(self, j: int) -> str:
        """One of the columns; of two cells at least, for Gnumeric takes no place in an area of one cell."""
        column = f"${COLUMN[self.first + j]}"
        return f"{column}${START + 1}:{column}${START + max(2, self.height)}"

    def for_another_sheet(self, j: int) -> str:
        """One of the columns, for formulas on other sheets."""
        return f"'{self.sheet.title}'!{self.area(j)}"

    def write(self, net: NetworkSheets, j: int, name: str, cells: Sequence[tuple[str, float | str | None]]) -> None:
        """A column with its name: formulas and their values."""
        self.sheet.write(START - 1, self.first + j, name, net.styles["label"])
        for i, (formula, value) in enumerate(cells):
            shown = None if isinstance(value, float) and not math.isfinite(value) else value
            self.sheet.texts[(START + i, self.first + j)] = Text(style=net.styles["helper"], formula=formula, value=shown)


def write_products(net: NetworkSheets, tables: Tables, start: Start) -> Columns:
    """Input, weight, product of each input of the picked unit, and the whole number by which they are sorted."""
    at, k = PICKED, max(len(n.names) for n in tables.neurons)
    columns = Columns(tables.sheet, FIRST + tables.width + 1, k)
    own = len(start.inputs)
    padded = [np.pad(values, (0, k - own)).tolist() for values in (start.inputs, start.weights, start.products)]
    keys = [*start.keys.tolist(), *(-float(j) for j in range(own + 1, k + 1))]
    places = [[f"{COLUMN[columns.first + c]}{START + 1 + j}" for j in range(k)] for c in range(4)]
    largest = f"MAX(MAX({columns.area(2)}),-MIN({columns.area(2)}))"
    for c, (name, row) in enumerate((("input", at["input row"]), ("weight", at["unit"]))):
        columns.write(net, c, name, [(f"IF({j + 1}>{at['inputs']},0,{tables.value(row, j + 1)})", padded[c][j]) for j in range(k)])
    columns.write(net, 2, "product", [(f"{places[0][j]}*{places[1][j]}", padded[2][j]) for j in range(k)])
    sort = f"IF({largest}=0,0,ROUND(ABS(%s)/{largest}*{FINE},0))*{ROOM}+{ROOM}-%d"
    columns.write(net, 3, "sort by", [(f"IF({j + 1}>{at['inputs']},-{j + 1},{sort % (places[2][j], j + 1)})", keys[j]) for j in range(k)])
    return columns


def write_lists(net: NetworkSheets, tables: Tables, first: int) -> None:
    """The lists of the drop-downs: all layers, the units and the places of the picked one; each a defined name."""
    sheet, at, n = tables.sheet, PICKED, tables.neurons[0]
    net.plan.names["neuron_layers"] = (sheet.number, tables.layers)
    for j, (name, begin, own) in enumerate((("units", "first unit", n.units), ("places", "first place", n.places))):
        most = max(len(other.units if name == "units" else other.places) for other in tables.neurons)
        column, count = Columns(sheet, first + j, most), tables.field(at["layer"], name)
        from_row = tables.field(at["layer"], begin)
        cells = [(f'IF({i + 1}>{count},"",INDEX({tables.labels},{from_row}+{i},1))', own[i] if i < len(own) else "") for i in range(most)]
        column.write(net, 0, f"{name} to pick", cells)
        net.plan.names[f"neuron_{name}"] = (sheet.number, column.area(0))


def write_others(net: NetworkSheets, tables: Tables, first: int, start: Start) -> int:
    """For the softmax: ln of the sum of e^z over the other units of the picked layer; returns the next free column."""
    if not any(curve == SOFTMAX_CURVE for after in tables.activated for curve in after.curves):
        return first
    at, units = PICKED, max(len(n.units) for n in tables.neurons)
    columns, layer = Columns(tables.sheet, first, units), at["layer"]
    z = [f"{COLUMN[first]}{START + 1 + u}" for u in range(units)]
    row, own = tables.field(layer, "units of a row"), at["unit number"]
    same = f"INT(({{}}-1)/{row})=INT(({own}-1)/{row})"
    is_other = [f"AND({u}<={tables.field(layer, 'units')},{u}<>{own},{same.format(u)},{at['sums row']}>0)" for u in range(1, units + 1)]
    values: list[float | str] = [*([""] if tables.rows[0].sums >= 0 else []), *start.other_sums]
    values += [""] * (units - len(values))
    powers = [math.exp(v - max(start.other_sums)) if isinstance(v, float) else 0.0 for v in values]
    other = [f'IF({is_other[u]},{tables.value(at["sums row"], u + 1)},"")' for u in range(units)]
    columns.write(net, 0, "other sums", list(zip(other, values, strict=True)))
    power = [f"IF(ISNUMBER({z[u]}),EXP({z[u]}-MAX({columns.area(0)})),0)" for u in range(units)]
    columns.write(net, 1, "e^(z - max)", list(zip(power, powers, strict=True)))
    formula = f"IF(SUM({columns.area(1)})>0,MAX({columns.area(0)})+LN(SUM({columns.area(1)})),-700)"
    write_one(net, tables, "others", formula, start.others)
    return first + 3


def write_curves(net: NetworkSheets, tables: Tables, products: Columns, curves: list[Curve], first: int, start: Start) -> Columns:
    """The points of the curve: from left to right, the last one the sum itself; then each function of them; and last the picked one."""
    at, sheet = PICKED, tables.sheet
    columns = Columns(sheet, first, POINTS + 1)
    reach = max(REACH, 1.25 * abs(start.total))
    total = f"SUM({products.area(2)})+{at['bias']}"
    write_one(net, tables, "reach", f"MAX({REACH},1.25*ABS({total}))", reach)
    x = [reach * (2 * i / (POINTS - 1) - 1) for i in range(POINTS)] + [start.total]
    formulas = [f"{at['reach']}*{2 * i - POINTS + 1}/{POINTS - 1}" for i in range(POINTS)] + [total]
    columns.write(net, 0, "z", list(zip(formulas, x, strict=True)))
    cells = sheet.number * SHEET + (START + np.arange(POINTS + 1)) * ROW + first
    if (START + NAMES.index("others"), LABEL) not in sheet.texts:  # no softmax in this network
        curves = [Curve(NO_CURVE) if curve.name == SOFTMAX else curve for curve in curves]
    for j, curve in enumerate(curves):
        write_curve(net, columns, j + 1, curve, start, np.array(x), cells)
    ends = [f"${COLUMN[column]}" for column in (first + 1, first + len(curves))]
    picked = [f"INDEX({ends[0]}{row}:{ends[1]}{row},1,{at['curve']}+1)" for row in range(START + 1, START + POINTS + 2)]
    values = values_of(curves[start.curve], start, np.array(x))
    columns.write(net, len(curves) + 1, "f(z)", list(zip(picked, values, strict=True)))
    shown = [f"IF({at['curve']}=0,{COLUMN[first]}{START + 1 + POINTS},{COLUMN[first]}{START + 1 + i})" for i in range(POINTS + 1)]
    columns.write(net, len(curves) + 2, "z shown", list(zip(shown, x if start.curve else [start.total] * len(x), strict=True)))
    return columns


def values_of(curve: Curve, start: Start, x: np.ndarray) -> list[float | str]:
    """What a curve gives for these numbers; where there is none, the network's own output."""
    if curve.name == SOFTMAX and curve.function is None:
        return [1 / (1 + math.exp(min(700.0, start.others - z))) for z in x.tolist()]
    y = curve.values_at(Recorded(x[:, None])) if curve.function is not None else None
    values: list[float | str] = [*(y.value[:, 0] if y is not None else x).tolist()]
    return values if y is not None or curve.name == LINEAR else [start.output] * len(x)


def write_curve(net: NetworkSheets, columns: Columns, j: int, curve: Curve, start: Start, x: np.ndarray, cells: np.ndarray) -> None:
    """One function of all points; where there is no curve, the network's own output."""
    made, values = curve.formula(cells[:, None]) if curve.function is not None else None, values_of(curve, start, x)
    if made is not None:
        columns.sheet.write(START - 1, columns.first + j, curve.name, net.styles["label"])
        block = Block(in_rows((len(x), 1)), np.array(values, float)[:, None], net.styles["helper"], make=lambda: made)
        columns.sheet.put(block, START, columns.first + j)
        return
    others, own = (PICKED[name] for name in ("others", "own output"))
    pattern = {LINEAR: "{}", SOFTMAX: f"1/(1+EXP(MIN(700,{others}-{{}})))"}.get(curve.name, own)
    places = [f"{COLUMN[columns.first]}{START + 1 + i}" for i in range(len(x))]
    columns.write(net, j, curve.name, [(pattern.format(place), value) for place, value in zip(places, values, strict=True)])
