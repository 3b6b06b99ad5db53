"""The table of formulas: what each NumPy call is called in a spreadsheet.

Only what Excel 2010, LibreOffice, Gnumeric, Google Sheets and IronCalc all compute alike is used: no array
entry, no volatile functions, no array arithmetic in a normal cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weightlens.recording import Recorded
from weightlens.recording.calls import FOLLOWS, MOVES, PRODUCTS, operation
from weightlens.workbook.formulas.cell_arrays import ADD, ATOM, COMPARE, MULTIPLY, POWER, UNARY

INFIX: dict[Any, tuple[str, int, int, int]] = {  # sign, level, level needed left, right
    np.add: ("+", ADD, ADD, ADD),
    np.subtract: ("-", ADD, ADD, MULTIPLY),
    np.multiply: ("*", MULTIPLY, MULTIPLY, MULTIPLY),
    np.divide: ("/", MULTIPLY, MULTIPLY, UNARY),
    np.power: ("^", POWER, ATOM, ATOM),
    np.float_power: ("^", POWER, ATOM, ATOM),
    np.greater: (">", COMPARE, ADD, ADD),
    np.greater_equal: (">=", COMPARE, ADD, ADD),
    np.less: ("<", COMPARE, ADD, ADD),
    np.less_equal: ("<=", COMPARE, ADD, ADD),
    np.equal: ("=", COMPARE, ADD, ADD),
    np.not_equal: ("<>", COMPARE, ADD, ADD),
}

CALLS: dict[Any, str] = {  # every {} is one operand, written once
    np.exp: "EXP({})",
    np.log: "LN({})",
    np.log2: "LOG({},2)",
    np.log10: "LOG10({})",
    np.sqrt: "SQRT({})",
    np.tanh: "TANH({})",
    np.abs: "ABS({})",
    np.fabs: "ABS({})",
    np.sign: "SIGN({})",
    np.sinh: "SINH({})",
    np.cosh: "COSH({})",
    np.arcsin: "ASIN({})",
    np.arccos: "ACOS({})",
    np.arctan: "ATAN({})",
    np.arcsinh: "ASINH({})",
    np.arccosh: "ACOSH({})",
    np.arctanh: "ATANH({})",
    np.maximum: "MAX({},{})",
    np.minimum: "MIN({},{})",
    np.fmax: "MAX({},{})",
    np.fmin: "MIN({},{})",
    np.floor: "INT({})",
    np.trunc: "TRUNC({})",
    np.where: "IF({},{},{})",
    np.expm1: "(EXP({})-1)",
    np.log1p: "LN(1+{})",
    np.exp2: "(2^{})",
    np.reciprocal: "(1/{})",
    np.ceil: "(-INT(-({})))",
    np.floor_divide: "INT(({})/({}))",
    np.degrees: "DEGREES({})",
    np.radians: "RADIANS({})",
    np.deg2rad: "RADIANS({})",
    np.rad2deg: "DEGREES({})",
}
LOGICAL: dict[Any, str] = {  # what these calls make of conditions
    np.logical_and: "AND({},{})",
    np.logical_or: "OR({},{})",
    np.logical_not: "NOT({})",
    np.bitwise_and: "AND({},{})",
    np.bitwise_or: "OR({},{})",
    np.invert: "NOT({})",
    np.multiply: "AND({},{})",
    np.add: "OR({},{})",
}
OF_TEXTS = {np.equal: "EXACT({},{})", np.not_equal: "NOT(EXACT({},{}))"}  # the signs = and <> take A for a
SELF_WRAPPED = {np.exp2, np.log1p}  # their operand stands beside an operator

REDUCTIONS: dict[Any, tuple[str, float | None]] = {  # function, and the constant that it may leave out
    np.sum: ("SUM", 0.0),
    np.add.reduce: ("SUM", 0.0),
    np.mean: ("AVERAGE", None),
    np.max: ("MAX", -np.inf),
    np.min: ("MIN", np.inf),
    np.maximum.reduce: ("MAX", -np.inf),
    np.minimum.reduce: ("MIN", np.inf),
    np.prod: ("PRODUCT", 1.0),
    np.multiply.reduce: ("PRODUCT", 1.0),
    np.nanmean: ("AVERAGE", np.nan),
    np.nanmax: ("MAX", np.nan),
    np.nansum: ("SUM", np.nan),
    np.any: ("MAX", 0.0),
    np.nanmin: ("MIN", np.nan),
    np.all: ("MIN", 1.0),
    np.var: ("VARP", None),
    np.std: ("STDEVP", None),
    np.logical_or.reduce: ("MAX", 0.0),
    np.logical_and.reduce: ("MIN", 1.0),
    np.median: ("MEDIAN", None),
}
PREFIX = {np.cumsum: ("SUM", 0.0), np.add.accumulate: ("SUM", 0.0), np.cumprod: ("PRODUCT", 1.0), np.maximum.accumulate: ("MAX", -np.inf)}
ORDERED = {np.sort, np.argmax, np.argmin}


def needs_cells(x: Recorded) -> bool:
    """Whether the operands of this call must have cells of their own."""
    op = operation(x)
    return op in PRODUCTS or op in REDUCTIONS or op in PREFIX or op in ORDERED or (op in MOVES and op not in FOLLOWS)
