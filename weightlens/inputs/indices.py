"""The index of a part of a matrix, as it is typed: ``0,:5``."""

from __future__ import annotations

from weightlens.errors import BadInput
from weightlens.specs.words.number_words import counted


def parse_slice(text: str, shape: tuple[int, ...], option: str = "--slice") -> tuple[int | slice, ...]:
    """``"0,:5"`` as an index; parsed, never evaluated. Raises ``BadInput`` if it does not fit the shape."""
    parts: list[int | slice] = []
    pieces = [piece.strip() for piece in text.strip().strip("[]").split(",")]
    if "..." in pieces:
        at = pieces.index("...")
        pieces[at : at + 1] = [":"] * (len(shape) - len(pieces) + 1)
    if len(pieces) > len(shape):
        raise BadInput(f"{option} {text!r} has {counted(len(pieces), 'part')}, but the matrix has shape {shape}")
    for piece, length in zip(pieces, shape, strict=False):
        try:
            numbers = [int(part) if part.strip() else None for part in piece.split(":")]
            parts.append(one_index(numbers[0], length) if len(numbers) == 1 else slice(*numbers))
            if not 1 <= len(numbers) <= 3 or numbers[2:] == [0]:
                raise ValueError
        except (ValueError, TypeError):
            raise BadInput(f'{option} {text!r}: {piece!r} is not an index; write for example "0,:5" or "::2"') from None
        except IndexError:
            raise BadInput(f"{option} {text!r}: there is no index {piece} in a matrix of shape {shape}") from None
    return tuple(parts)


def one_index(number: int | None, length: int) -> int:
    """An index counted from the start; raises ``IndexError`` if it is out of range."""
    if number is None:
        raise ValueError
    return range(length)[number]
