"""Vocabularies in the lookup tables of ``saved_model.pb``."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.formats import build as b
from tests.formats.savedmodel.build import Files, keras_thing, model_thing, number, part, saved, varint, written

WORDS_IN = {"class_name": "InputLayer", "config": {"name": "i", "batch_input_shape": [None, 1], "dtype": "string"}}
LOOKUP = b.layer("StringLookup", "words", num_oov_indices=1, mask_token=None, oov_token="[UNK]", vocabulary=None, output_mode="int")
WORDS, PLACES = [b"b", b"c", b"a"], [1, 2, 3]


def constant(name: str, kind: int, count: int, values: bytes) -> bytes:
    """A constant of the graph."""
    tensor = number(1, kind) + part(2, part(2, number(1, count))) + values
    return part(1, part(1, name) + part(2, "Const") + part(5, part(1, "value") + part(2, part(8, tensor))))


def texts(words: list[bytes]) -> bytes:
    return b"".join(part(8, word) for word in words)


def packed(values: list[int]) -> bytes:
    return part(10, b"".join(map(varint, values)))


def listed(values: list[int]) -> bytes:
    return b"".join(number(10, value) for value in values)


def contents(values: list[int]) -> bytes:
    return part(4, struct.pack(f"<{len(values)}q", *values))


def graph(keys: bytes, values: bytes) -> bytes:
    """``saved_model.pb``: the model, its lookup layer, the table, what fills it, and the two constants."""
    members = [[("layer-0", 1)], [("lookup_table", 2)], [("_initialize", 3)]]
    nodes = b"".join(part(1, b"".join(part(1, number(1, to) + part(2, name)) for name, to in each)) for each in members)
    nodes += part(1, part(6, part(1, "fill"))) + part(1, part(9, part(1, "keys"))) + part(1, part(9, part(1, "values")))
    filled = part(2, part(1, "fill") + part(2, part(2, bytes([2, 4, 5]))))
    return number(1, 1) + part(2, part(2, keys + values) + part(7, nodes + filled))


def model(tmp_path: Path, pb: bytes) -> weightlens.Model:
    root = model_thing(b.sequential(WORDS_IN, LOOKUP), [keras_thing({**LOOKUP, "name": "words"}, {})])
    files: Files = saved(root) | {"saved_model.pb": pb}
    return weightlens.load(written(tmp_path / "m", files))


@pytest.mark.parametrize("write", [packed, listed, contents])
def test_words_in_the_order_of_their_numbers(tmp_path: Path, write: object) -> None:
    assert callable(write)
    found = model(tmp_path, graph(constant("keys", 7, 3, texts(WORDS[::-1])), constant("values", 9, 3, write(PLACES[::-1]))))
    assert found["words"].config["vocabulary"] == ["b", "c", "a"] and "adapt()" in found["words"].note
    assert found.trace(np.array([["a"], ["b"], ["?"]])).outputs[0].ravel().tolist() == [3, 1, 0]


@pytest.mark.parametrize(("keys", "values", "words"), [
    (constant("keys", 7, 3, texts(WORDS)), constant("values", 9, 3, packed([1, 2, 4])), "do not follow each other"),
    (constant("keys", 7, 3, texts(WORDS)), constant("values", 9, 2, packed([1, 2])), "without a number for each word"),
    (constant("keys", 7, 2, texts(WORDS)), constant("values", 9, 3, packed(PLACES)), "another number of values than its shape"),
    (constant("keys", 7, 2**62, texts(WORDS)), constant("values", 9, 3, packed(PLACES)), "more values than any"),
    (constant("keys", 1, 3, texts(WORDS)), constant("values", 9, 3, packed(PLACES)), "something else than texts"),
    (constant("keys", 7, 3, texts(WORDS)), constant("values", 7, 3, texts(WORDS)), "without a number for each word"),
])  # fmt: skip
def test_tables_that_lie(tmp_path: Path, keys: bytes, values: bytes, words: str) -> None:
    with pytest.raises(weightlens.UnreadableModel, match=words) as caught:
        model(tmp_path, graph(keys, values))
    assert str(caught.value).startswith("m: saved_model.pb: damaged (")


@pytest.mark.parametrize("pb", [number(1, 1), graph(b"", b""), graph(constant("keys", 7, 3, texts(WORDS)), b"")])
def test_without_a_table_it_is_shown_and_not_computed(tmp_path: Path, pb: bytes) -> None:
    found = model(tmp_path, pb)
    with pytest.raises(weightlens.UnsupportedLayer, match="has no vocabulary"):
        found.trace(np.array([["a"]]))
