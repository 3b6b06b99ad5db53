"""A picture as an input: how large it may be, its values scaled for a network, and the notes about it."""

from __future__ import annotations

import re

import numpy as np

from weightlens.engine.wanted import first_users
from weightlens.errors import BadInput
from weightlens.limits import PICTURE
from weightlens.model import Layer, Model
from weightlens.specs.registry import spec_of

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
FACTOR = re.compile(rf"({NUMBER})(?:/({NUMBER}))?")
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})")
CHANNELS = {1: "1 channel (grey)", 3: "3 channels (RGB)", 4: "4 channels (RGB, alpha)"}


def refuse_large(name: str, size: tuple[int, int], wanted: tuple[int | None, int | None]) -> None:
    """Refuse a picture with too many pixels, unless the model takes pictures of exactly that size.

    ``size`` and ``wanted`` are width and height. If the model leaves them open, all pixels are computed with as float64.
    """
    taken = size[0] * size[1] * 4 * (8 if None in wanted else 1)
    if taken > PICTURE and size != wanted:
        raise BadInput(f"{name}: {size[0]:,} x {size[1]:,} pixels, more than there is room for: make the picture smaller first")


def scale_values(pixels: np.ndarray, scale: str) -> np.ndarray:
    """Values 0..255 times a factor (``1/255``), or mapped to a range (``-1..1``)."""
    if (factor := FACTOR.fullmatch(scale.strip())) and float(factor[1]) and float(factor[2] or 1):
        return pixels * float(factor[1]) / float(factor[2] or 1)
    if (ends := RANGE.fullmatch(scale.strip())) and float(ends[1]) != float(ends[2]):
        low, high = float(ends[1]), float(ends[2])
        return pixels * (high - low) / 255 + low
    raise BadInput(f"--scale {scale}: is a factor such as 1/255, or the range that 0..255 becomes, such as -1..1")


def picture_words(own: tuple[int, int], pixels: np.ndarray, rank: int, scale: str | None) -> str:
    """What was done to a picture, from its ``own`` size: ``6 x 4 pixels, resized to 3 x 2, 1 channel (grey), values 0..255``."""
    height, width = pixels.shape[1:3]
    resized = f", resized to {width} x {height}" if (width, height) != own else ""
    low, high = (0, 255) if scale is None else scale_values(np.array([0.0, 255.0]), scale)
    return f"{own[0]} x {own[1]} pixels{resized}, {CHANNELS[pixels.shape[3] if rank == 3 else 1]}, values {low:g}..{high:g}"


def range_advice(model: Model, name: str, scale: str | None) -> str:
    """Advice if the range of the values does not suit the network's first layer; else empty."""
    first = first_layer(model, name)
    if first is None:
        return ""
    layer = f"{first.name} ({first.class_name})"
    if spec_of(first).picture == "scales":
        return "" if scale is None else f"{layer} scales the values too, after --scale"
    if scale is not None:
        return ""
    return f"the values reach 255, and {layer} does not scale them; --scale 1/255 or -1..1 does"


def first_layer(model: Model, name: str) -> Layer | None:
    """The first layer that computes with an input's values; ``None`` if unknown."""
    users = first_users(model, name)
    for _ in range(8):
        if not users or any(user.is_operation or user.class_name == "Lambda" for user in users):
            return None
        passing = [user for user in users if spec_of(user).picture == "passes"]
        if not passing:
            return next((user for user in users if spec_of(user).picture == "scales"), users[0])
        users = [further for user in passing for further in first_users(model, user.name)]
    return None
