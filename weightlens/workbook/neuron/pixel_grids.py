"""The weights of a neuron as a picture: a coloured square for each pixel that it reads; beside it the input and the products."""

from __future__ import annotations

from weightlens.workbook.formulas.cell_arrays import COLUMN, absolute, cell_name, quoted
from weightlens.workbook.neuron.data_tables import Tables, for_another_sheet
from weightlens.workbook.neuron.picks import PICKED, Columns, Start
from weightlens.workbook.sheets.network import NetworkSheets
from weightlens.workbook.xlsx.blocks import Text
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import Look

LEFT, TOP = 10, 28  # the first square of the first picture
SIDE = 2.6  # characters: as wide as a row is high
PIXEL = Look(format=";;;")  # the colour is to be seen, the number in the formula bar only
PICTURES = (("weights", 1), ("input", 0), ("products", 2))


def draw_grids(net: NetworkSheets, sheet: Sheet, tables: Tables, products: Columns, start: Start) -> None:
    """Three pictures side by side, as large as the largest that a neuron reads; nothing where none reads pictures."""
    pictures = [n.pixels for n in tables.neurons if n.pixels is not None]
    if not pictures:
        return
    rows, columns = max(p.rows for p in pictures), max(p.columns for p in pictures)
    for column in range(LEFT - 1, LEFT + len(PICTURES) * (columns + 1)):
        sheet.widths[(column, column)] = SIDE
    names = ("rows", "columns", "by row", "by column", "by channel")
    helpers = [for_another_sheet(tables.sheet, tables.field(PICKED["layer"], name)) for name in names]
    channel, first = for_another_sheet(tables.sheet, PICKED["channel"]), tables.neurons[0].pixels
    shown = [0] * 5 if first is None else [first.rows, first.columns, first.by_row, first.by_column, first.by_channel]
    for j, (formula, value) in enumerate(zip(helpers, shown, strict=True)):
        sheet.texts[(TOP - 3, LEFT + j)] = Text(style=net.styles.style_id(PIXEL), formula=formula, value=value)
    h, w, by_row, by_column, by_channel = (absolute(cell_name(((TOP - 3) << 14) + LEFT + j)) for j in range(5))
    for i, (name, source) in enumerate(PICTURES):
        left = LEFT + i * (columns + 1)
        values = (start.inputs, start.weights, start.products)[source]
        sheet.texts[(TOP - 2, left)] = Text(
            style=net.styles["caption left"], formula=f'IF({h}=0,"",{quoted(name)})', value=name if first else ""
        )
        number_sides(net, sheet, left, ((rows, h, shown[0]), (columns, w, shown[1])))
        for r in range(rows):
            for c in range(columns):
                place = f"1+{r}*{by_row}+{c}*{by_column}+{channel}*{by_channel}"
                formula = f'IF(OR({r}>={h},{c}>={w}),"",INDEX({products.for_another_sheet(source)},{place},1))'
                inside = first is not None and r < first.rows and c < first.columns
                number = float(values[r * first.by_row + c * first.by_column]) if inside and first is not None else ""
                sheet.texts[(TOP + r, left + c)] = Text(style=net.styles.style_id(PIXEL), formula=formula, value=number)
        area = f"${COLUMN[left]}${TOP + 1}:${COLUMN[left + columns - 1]}${TOP + rows}"
        sheet.heats.append((area, "both signs"))
        sheet.rule(area, "pixel", f"ISNUMBER({COLUMN[left]}{TOP + 1})")


def number_sides(net: NetworkSheets, sheet: Sheet, left: int, sides: tuple[tuple[int, str, int], tuple[int, str, int]]) -> None:
    """The numbers of the rows left of a picture, of the columns over it; ``sides``: how many at most, the cell with how many, at first."""
    for down, (most, there_are, at_first) in zip((True, False), sides, strict=True):
        for i in range(most):
            formula, value = f'IF({i}>={there_are},"",{i})', float(i) if i < at_first else ""
            place = (TOP + i, left - 1) if down else (TOP - 1, left + i)
            sheet.texts[place] = Text(style=net.styles["label"], formula=formula, value=value)
