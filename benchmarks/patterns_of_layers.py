"""Ways to write other layers as formulas: as ours are written, and what else comes to mind.

Rows and columns are counted from 1. Numbers begin at A1; what is computed stands on their right.
"""

from __future__ import annotations

from benchmarks.patterns import Cells, Pattern, area, cell


def fixed(row: int, column: int) -> str:
    """$A$1."""
    letters = cell(row, column).rstrip("0123456789")
    return f"${letters}${row}"


def batch_normalization(size: int, channels: int) -> list[Pattern]:
    """Pictures of ``size`` x ``size``, one per channel; above them mean, variance, gamma, beta and the root of the variance."""
    wide, of = size * channels, f"BatchNormalization, {size} x {size} x {channels}"
    numbers = [(1, 1, 5, channels), (7, 1, size, wide)]

    def places(step: int) -> list[tuple[int, int, int, int]]:
        return [(7 + y, step * (wide + 1) + x + 1, x // size + 1, x + 1) for y in range(size) for x in range(wide)]

    def in_steps() -> Cells:
        yield from ((5, c + 1, f"SQRT({cell(2, c + 1)}+0.001)") for c in range(channels))
        yield from ((y, to, f"({cell(y, x)}-{fixed(1, c)})/{fixed(5, c)}") for y, to, c, x in places(1))
        yield from ((y, to, f"{cell(y, to - wide - 1)}*{fixed(3, c)}+{fixed(4, c)}") for y, to, c, _ in places(2))

    def at_once() -> Cells:
        for y, to, c, x in places(1):
            yield y, to, f"({cell(y, x)}-{fixed(1, c)})/SQRT({fixed(2, c)}+0.001)*{fixed(3, c)}+{fixed(4, c)}"

    return [
        Pattern(of, "the root once a channel, normalized, scaled", numbers, in_steps, True),
        Pattern(of, "one formula", numbers, at_once),
    ]


def layer_normalization(rows: int, features: int) -> list[Pattern]:
    """A row per token; gamma and beta above."""
    of, numbers, first = f"LayerNormalization, {rows} rows of {features}", [(1, 1, 2, features), (4, 1, rows, features)], features + 2

    def in_steps() -> Cells:
        after = first + 3
        for y in range(4, 4 + rows):
            squares = area(y, after + features, 1, features)
            yield y, first, f"AVERAGE({area(y, 1, 1, features)})"
            yield y, first + 1, f"AVERAGE({squares})"
            yield y, first + 2, f"SQRT({cell(y, first + 1)}+0.001)"
            for x in range(features):
                centered, normalized = cell(y, after + x), cell(y, after + 2 * features + x)
                yield y, after + x, f"{cell(y, 1 + x)}-{cell(y, first)}"
                yield y, after + features + x, f"{centered}*{centered}"
                yield y, after + 2 * features + x, f"{centered}/{cell(y, first + 2)}"
                yield y, after + 3 * features + x, f"{normalized}*{fixed(1, 1 + x)}+{fixed(2, 1 + x)}"

    def at_once() -> Cells:
        for y in range(4, 4 + rows):
            read = area(y, 1, 1, features)
            yield y, first, f"AVERAGE({read})"
            yield y, first + 1, f"SQRT(VARP({read})+0.001)"
            for x in range(features):
                scaled = f"({cell(y, 1 + x)}-{cell(y, first)})/{cell(y, first + 1)}"
                yield y, first + 3 + x, f"{scaled}*{fixed(1, 1 + x)}+{fixed(2, 1 + x)}"

    return [
        Pattern(of, "mean, centered, squares, their mean, root, normalized, scaled", numbers, in_steps, True),
        Pattern(of, "mean and `VARP`, the rest in one formula", numbers, at_once),
    ]


def attention(tokens: int, size: int) -> list[list[Pattern]]:
    """One head: scores of queries and keys as rows; weights times values. What comes second has its second operand turned."""
    of, of_values = (
        f"attention, scores of {tokens} tokens, {size} numbers each",
        f"attention, context of {tokens} tokens, {size} numbers each",
    )
    rows, turned = [(1, 1, tokens, size), (tokens + 2, 1, tokens, size)], [(1, 1, tokens, size), (tokens + 2, 1, size, tokens)]
    weights, right = (1, 1, tokens, tokens), tokens + 2
    stored, across = [weights, (tokens + 2, 1, tokens, size)], [weights, (tokens + 2, 1, size, tokens)]

    def products(form: str, terms: int, columns: int, second_turned: bool) -> Cells:
        for y in range(tokens):
            for x in range(columns):
                other = area(tokens + 2 + x, 1, 1, terms) if second_turned else area(tokens + 2, 1 + x, terms, 1)
                yield 1 + y, right + x, form.format(area(1 + y, 1, 1, terms), other)

    in_rows, in_columns = "SUMPRODUCT({},{})", "SUMPRODUCT(MMULT({},{}))"
    return [
        [
            Pattern(of, "`SUMPRODUCT(row,row)`, keys as rows", rows, lambda: products(in_rows, size, tokens, True), True),
            Pattern(of, "`SUMPRODUCT(MMULT(row,column))`, keys turned", turned, lambda: products(in_columns, size, tokens, False)),
        ],
        [
            Pattern(of_values, "`SUMPRODUCT(MMULT(row,column))`, values as rows", stored,
                    lambda: products(in_columns, tokens, size, False), True),
            Pattern(of_values, "`SUMPRODUCT(row,row)`, values turned", across, lambda: products(in_rows, tokens, size, True)),
        ],
    ]  # fmt: skip


def depthwise(size: int, channels: int) -> list[Pattern]:
    """3 x 3 windows of each picture with its own kernel, which stands above it."""
    of, wide = f"depthwise 3 x 3, {size} x {size} x {channels}", channels * (size + 1)
    numbers = [(1, 1, 3, channels * (size + 1)), (5, 1, size, wide)]

    def windows() -> list[tuple[int, int, int]]:
        return [(y, c * (size + 1) + x, c * (size + 1)) for c in range(channels) for y in range(size - 2) for x in range(size - 2)]

    def areas() -> Cells:
        for y, x, left in windows():
            top, end = fixed(1, left + 1), fixed(3, left + 3)
            yield 5 + y, wide + 2 + x, f"SUMPRODUCT({area(5 + y, 1 + x, 3, 3)},{top}:{end})"

    def spelt_out() -> Cells:
        for y, x, left in windows():
            taps = [(i, j) for i in range(3) for j in range(3)]
            yield 5 + y, wide + 2 + x, "+".join(f"{cell(5 + y + i, 1 + x + j)}*{fixed(1 + i, left + 1 + j)}" for i, j in taps)

    return [Pattern(of, "one `SUMPRODUCT`", numbers, areas, True), Pattern(of, "nine products", numbers, spelt_out)]


def pooling(size: int, channels: int) -> list[Pattern]:
    """The largest of 2 x 2 numbers, pictures side by side."""
    of, wide = f"pooling 2 x 2, {size} x {size} x {channels}", channels * size

    def largest(of_four: bool) -> Cells:
        for y in range(1, size, 2):
            for x in range(1, wide, 2):
                four = ",".join(cell(y + i, x + j) for i in range(2) for j in range(2)) if of_four else area(y, x, 2, 2)
                yield (y + 1) // 2, wide + 2 + x // 2, f"MAX({four})"

    numbers = [(1, 1, size, wide)]
    return [
        Pattern(of, "`MAX(area)`", numbers, lambda: largest(False), True),
        Pattern(of, "`MAX` of four cells", numbers, lambda: largest(True)),
    ]


def lstm(steps: int, features: int, units: int) -> list[Pattern]:
    """A row per time step: pre-activations, gates, cell state, hidden state; the kernels above, as stored or turned."""
    of, gates = f"LSTM, {steps} time steps of {features}, {units} units", 4 * units
    height, z = max(gates, features + units) + 2, features + 2
    gate, state = z + gates + 1, z + 2 * gates + 2
    hidden = state + units + 1
    beside = hidden + units + 1
    start = [(height, state, 1, units), (height, hidden, 1, units), (height + 1, 1, steps, features)]

    def table(form: str, turned: bool) -> Cells:
        def kernel(row: int, terms: int, k: int) -> str:
            return area(1 + k, beside + row, 1, terms) if turned else area(1 + row, beside + k, terms, 1)

        for y in range(height + 1, height + 1 + steps):
            for k in range(gates):
                of_input = form.format(area(y, 1, 1, features), kernel(0, features, k))
                yield y, z + k, f"{of_input}+{form.format(area(y - 1, hidden, 1, units), kernel(features, units, k))}"
                kind = "TANH({})" if k // units == 2 else "1/(1+EXP(MIN(-{},700)))"
                yield y, gate + k, kind.format(cell(y, z + k))
            for u in range(units):
                i, f, g, o = (cell(y, gate + n * units + u) for n in range(4))
                yield y, state + u, f"{f}*{cell(y - 1, state + u)}+{i}*{g}"
                yield y, hidden + u, f"{o}*TANH({cell(y, state + u)})"

    stored, across = (1, beside, features + units, gates), (1, beside, gates, features + units)
    return [
        Pattern(of, "`SUMPRODUCT(MMULT(row,column))`, kernels as stored", [stored, *start],
                lambda: table("SUMPRODUCT(MMULT({},{}))", False), True),
        Pattern(of, "`SUMPRODUCT(row,row)`, kernels turned", [across, *start], lambda: table("SUMPRODUCT({},{})", True)),
    ]  # fmt: skip
