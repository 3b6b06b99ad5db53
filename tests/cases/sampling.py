"""Cases of ``weightlens.layers.operations_sampling``: arrays read between their cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases import Case, case

TURN = np.array([0.9, 0.3, -0.7, -0.25, 1.1, 0.6, 0.0, 0.01], "float32")
CORNERS = np.array([[0, 0], [3, 0], [0, 3], [3, 3]], "float32")
MOVED = CORNERS + np.array([[0.4, 0], [0, 0.7], [-0.2, 0.1], [0.3, -0.6]], "float32")
PLACES = np.array([[0.2, 1.7, -0.4, 3.6], [1.1, 2.4, 0.3, -1.2]], "float32")
PICTURE = (4, 5, 2)


def affine(name: str, **options: Any) -> Case:
    return case(f"affine transform, {name}", lambda k: lambda x: k.ops.image.affine_transform(x, TURN, **options), PICTURE)


def placed(order: int, fill_mode: str) -> Case:
    build = lambda k: lambda x: k.ops.image.map_coordinates(x[0], PLACES, order=order, fill_mode=fill_mode, fill_value=0.5)
    return case(f"map coordinates, order {order}, {fill_mode}", build, (4, 5))


def scaled(method: str, antialias: bool = True) -> Case:
    size, by = (None, 3, 7, 2), (np.array([0.8, 1.4], "float32"), np.array([0.3, -0.6], "float32"))
    build = lambda k: lambda x: k.ops.image.scale_and_translate(x, (2, *size[1:]), *by, (1, 2), method, antialias)
    return case(f"scale and translate, {method}{'' if antialias else ', not antialiased'}", build, PICTURE)


CASES = [
    affine("bilinear", fill_value=0.5),
    affine("nearest", interpolation="nearest", fill_mode="nearest"),
    affine("reflected", fill_mode="reflect"),
    affine("wrapped", fill_mode="wrap"),
    case(
        "affine transform, channels first",
        lambda k: lambda x: k.ops.image.affine_transform(x, TURN, data_format="channels_first"),
        (2, 4, 5),
    ),
    case("perspective transform", lambda k: lambda x: k.ops.image.perspective_transform(x, CORNERS, MOVED), PICTURE),
    placed(0, "constant"),
    placed(1, "constant"),
    placed(1, "nearest"),
    placed(1, "wrap"),
    placed(1, "reflect"),
    scaled("linear"),
    scaled("cubic", antialias=False),
    scaled("lanczos3"),
    case(
        "structural similarity",
        lambda k: lambda x: k.ops.image.ssim(x[0], x[1], max_val=2.0, filter_size=3),
        PICTURE,
        PICTURE,
    ),
]
