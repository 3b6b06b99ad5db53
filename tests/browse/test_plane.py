"""Which numbers of a matrix are shown, and where one gets by moving and jumping."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from weightlens.browse.drawing import Drawer, window
from weightlens.browse.listing import Item
from weightlens.browse.plane import Plane, plane_of
from weightlens.errors import BadInput
from weightlens.model import Weight
from weightlens.terminal.matrices import weight_labels

SHAPES = {"Conv2D": (2, 3, 4, 5), "Dense": (4, 5), "MultiHeadAttention": (4, 2, 3), "": (3, 1, 2, 2, 2)}


def item(values: np.ndarray, owner: str = "Dense") -> Item:
    name = "query/kernel" if owner == "MultiHeadAttention" else "kernel"
    weight = Weight(name, values.shape, str(values.dtype), "", lambda: values, lambda key: values[key], owner=(owner, {}))
    return Item("layer", name, weight, weight_labels(weight))


def counted(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize("owner", SHAPES)
def test_every_element_is_found_at_its_row_and_column(owner: str) -> None:
    values = counted(SHAPES[owner])
    plane = plane_of(item(values, owner))
    assert plane.rows * plane.columns * plane.slices == values.size
    for index in np.ndindex(values.shape):
        row, column = plane.place(index)
        assert plane.numbers(index, range(plane.rows), range(plane.columns))[row, column] == values[index]


@pytest.mark.parametrize("owner", SHAPES)
def test_all_slices_are_passed_once(owner: str) -> None:
    values = counted(SHAPES[owner])
    plane = plane_of(item(values, owner))
    index, seen = (0,) * values.ndim, []
    for number in range(plane.slices):
        assert plane.number_of_slice(index) == number
        seen += plane.numbers(index, range(plane.rows), range(plane.columns)).ravel().tolist()
        index = plane.turned(index, 1)
    assert sorted(seen) == values.ravel().tolist() and plane.turned(index, 1) == index
    assert plane.number_of_slice(plane.turned(index, -(1 << 62))) == 0


def test_a_kernel_is_browsed_as_it_is_printed() -> None:
    plane = plane_of(item(counted((3, 3, 2, 4)), "Conv2D"))
    assert plane == Plane(plane.weight, [3, 2], 0, 1)
    assert plane.turned((1, 2, 1, 0), 1) == (1, 2, 0, 1)


def test_one_moves_up_to_the_edge() -> None:
    plane = plane_of(item(counted((4, 5))))
    assert plane.moved((0, 0), 1, 1) == (1, 1) and plane.moved((1, 1), -10, 1 << 62) == (0, 4)
    vector, number = plane_of(item(counted((5,)))), plane_of(item(counted(())))
    assert vector.moved((0,), 3, 2) == (2,) and number.moved((), 1, 1) == () and number.numbers((), range(1), range(1)).tolist() == [[0.0]]


@pytest.mark.parametrize("text, expected", [("2,3", (2, 3)), ("-1,-1", (3, 4)), ("2", (2, 1)), (" [ 1, 0 ] ", (1, 0)), ("0,0", (0, 0))])
def test_an_index_is_counted_as_by_slice(text: str, expected: tuple[int, ...]) -> None:
    assert plane_of(item(counted((4, 5)))).jumped((0, 1), text) == expected


@pytest.mark.parametrize("text", ["4", "0,5", "-5", "a", "1,2,3", "1:2", "", "1.5", "__import__('os')"])
def test_a_wrong_index_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="ind"):
        plane_of(item(counted((4, 5)))).jumped((0, 0), text)


def test_a_window_holds_its_place() -> None:
    for length, room, at in itertools.product((1, 5, 100), (0, 1, 4, 200), (0, 3, 99)):
        places = window(min(at, length - 1), length, room)
        assert min(at, length - 1) in places and len(places) == max(1, min(room, length)) and places[0] >= 0 and places[-1] < length


@pytest.mark.parametrize("colours", ["true", "256", ""])
@pytest.mark.parametrize("width, height", [(54, 22), (20, 8), (5, 3), (150, 60)])
@pytest.mark.parametrize(
    "values",
    [
        counted((3, 3, 2, 4)), counted((400, 300)), counted((5,)), counted(()), counted((0, 3)), np.array([[np.nan, np.inf], [-1.0, 2.0]]),
        np.array([[1 + 2j, -1j]]), np.array([[True, False]]), np.array([[2**62, -1]]), np.array([[1e-30, 1e30]]), np.zeros((3, 3)),
    ],
    ids=lambda values: f"{values.shape} {values.dtype}",
)  # fmt: skip
def test_any_matrix_is_drawn_on_any_screen(values: np.ndarray, width: int, height: int, colours: str) -> None:
    thing = item(values, "Conv2D" if values.ndim == 4 else "Dense")
    lines = Drawer(colours, {}).frame(thing, tuple(n - 1 for n in values.shape), width, height)
    assert len(lines) <= max(height, 10) and all("\n" not in line.plain for line in lines)
    if values.size and height > 8:
        assert sum(span.style == "reverse" or getattr(span.style, "reverse", None) is True for line in lines for span in line.spans) >= 1


def test_every_matrix_has_its_own_heat_map() -> None:
    """Also where one is made when another is gone, whose place in memory it takes."""
    drawer = Drawer("true", {})
    for number in range(20):
        lines = drawer.frame(item(np.full((2, 2), float(number))), (0, 0), 60, 20)
        assert [line.plain for line in lines if line.plain.startswith(f"{number} ▀")], number


def test_little_is_read_of_a_large_matrix() -> None:
    read: list[int] = []
    values = np.broadcast_to(np.float32(1), (100_000, 50_000))

    def read_part(key: tuple[int | slice, ...]) -> np.ndarray:
        read.append(values[key].size)
        return values[key]

    weight = Weight("kernel", values.shape, "float32", "", lambda: pytest.fail("read whole"), read_part, owner=("Dense", {}))
    drawer, thing = Drawer("true", {}), Item("dense", "kernel", weight, weight_labels(weight))
    lines = drawer.frame(thing, (99_999, 0), 80, 40)
    first = sum(read)
    assert first < 10_000 and any("drawn: 1 of" in line.plain for line in lines)
    drawer.frame(thing, (99_998, 1), 80, 40)
    assert sum(read) - first < 1000  # the heat map is kept
