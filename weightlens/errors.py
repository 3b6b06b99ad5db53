"""What can go wrong, as one tree.

WeightlensError            shown to the user as one line; the command line exits with 2
├── UnreadableModel        the file is missing, damaged, hostile or of a kind we do not read
│   └── CutShort           it ends before it is complete
├── UnsupportedLayer       a layer (or an option of it) whose arithmetic we do not know
│   └── NoFormula          NumPy can compute it, but a spreadsheet cannot
├── NoGradient             a step that has no gradient, so that its network cannot be trained (in ``training.gradients``)
├── BadInput               the numbers or the options given do not fit the model
│   └── UnknownName        a layer or a weight that is not there (a KeyError, too)
└── WorkbookTooLarge       it does not fit a sheet; says what would
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class WeightlensError(Exception):
    """Base of every error that weightlens raises on purpose: one line that says what, where, what next."""


class UnreadableModel(WeightlensError):
    """The file is missing, damaged, hostile, or not a Keras model."""


class CutShort(UnreadableModel):
    """The file ends before it is complete."""


class UnsupportedLayer(WeightlensError):
    """A layer, or an option of a layer, whose arithmetic weightlens does not know.

    ``layer`` is the layer's name, ``class_name`` its class, ``reason`` what exactly is missing.
    """

    def __init__(self, layer: str, class_name: str, reason: str = "is not a layer that weightlens can compute") -> None:
        self.layer, self.class_name, self.reason = layer, class_name, reason
        super().__init__(
            f"layer {layer!r} ({class_name}): {reason}. Its matrices can still be shown (weightlens show) "
            "and exported (--detail weights); --layers A..B computes the part before or after it."
        )


class NoFormula(UnsupportedLayer):
    """NumPy computes this step, but there is no formula for it that works in every spreadsheet."""


class BadInput(WeightlensError):
    """The numbers or options given do not fit the model."""


class UnknownName(BadInput, KeyError):
    """There is no layer or weight of this name; the message says the nearest, and which there are."""

    def __str__(self) -> str:  # a KeyError would put quotes around it
        return str(self.args[0])


class WorkbookTooLarge(WeightlensError):
    """The workbook would not fit the limits of spreadsheets; the message says what would fit."""


def first_few(names: Sequence[str], most: int) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def did_you_mean(name: str, names: Sequence[str], otherwise: str) -> str:
    """The name that was probably meant, if one is near, and all there are, or the first of many, after what they are."""
    import difflib  # seldom needed

    ends = {path.rpartition("/")[2]: path for path in names}  # somebody may leave out in which model a layer is
    close = difflib.get_close_matches(name, names, 1) or [ends[end] for end in difflib.get_close_matches(name, ends, 1)]
    return f"{f'did you mean {close[0]!r}? ' if close else ''}{otherwise}: {first_few(names, 12) or 'none'}"


def unknown(kind: str, name: str, names: Iterable[str]) -> UnknownName:
    """The error that there is no layer, or whatever ``kind`` it is, of this name."""
    return UnknownName(f"there is no {kind} {name!r}; {did_you_mean(name, list(dict.fromkeys(names)), f'the {kind}s are')}")


def first_line(error: BaseException) -> str:
    """What an exception says, in one line of bounded length."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
