"""Files made to do harm: one clear line or a harmless display, within two seconds and 500 MB, and nothing else read."""

from __future__ import annotations

import json
import resource
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightlens
from tests.formats.build import (
    archive,
    dense,
    dense_arrays,
    functional,
    given,
    layer,
    legacy,
    node,
    numbered,
    numbers,
    objects,
    sequential,
    tensor,
)
from weightlens.call_order import calls_in_order

MODEL = sequential(given("i", 2), dense("d", 2))


@pytest.fixture(autouse=True)
def within_bounds() -> Iterator[None]:
    """Half a gigabyte more than there was."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def whole(path: Path) -> Path:
    return legacy(path, MODEL, {"d": dense_arrays("d/", 2, 2)})


def refused(path: Path, saying: str) -> None:
    """Loading, or reading every array, fails within two seconds with one line that says so."""
    started = time.process_time()
    with pytest.raises(weightlens.UnreadableModel, match=saying) as caught:
        model = weightlens.load(path)
        for weight in [*model.weights.values(), *model.unplaced, *model.optimizer]:
            weight.value  # noqa: B018 - reading is the point
    assert "\n" not in str(caught.value)
    assert time.process_time() - started < 2


def external_link(file: h5py.File) -> None:
    file["model_weights/secret"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file: h5py.File) -> None:
    file["model_weights/loop"] = h5py.SoftLink("/model_weights/loop")


def linked_layer(file: h5py.File) -> None:
    del file["model_weights/d"]
    file["model_weights/d"] = h5py.SoftLink("/model_weights")


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/secret.h5", "x", shape=(4,))
    file.create_virtual_dataset("model_weights/v", layout)


def external_storage(file: h5py.File) -> None:
    file.create_dataset("model_weights/e", (64,), "u1", external=[("/etc/passwd", 0, 64)])


def absurd(file: h5py.File) -> None:
    file.create_dataset("model_weights/huge", (2**40,), "f4", chunks=(1024,))


def bomb(file: h5py.File) -> None:
    file.create_dataset("model_weights/bomb", (2**29,), "f4", chunks=(2**20,), compression="gzip")


def texts(file: h5py.File) -> None:
    file.create_dataset("model_weights/t", data=["a", "b"], dtype=h5py.string_dtype())


def references(file: h5py.File) -> None:
    file.create_dataset("model_weights/r", data=[file.ref], dtype=h5py.ref_dtype)


def times(file: h5py.File) -> None:
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(file["model_weights"].id, b"when", h5py.h5t.UNIX_D32LE, space)


def deep(file: h5py.File) -> None:
    file.create_group("model_weights/" + "/".join("g" * 400))


def own_child(file: h5py.File) -> None:
    file["model_weights/d/again"] = file["model_weights"]


@pytest.mark.parametrize(
    ("harm", "saying"),
    [(external_link, "link"), (soft_link, "link"), (linked_layer, "link"), (virtual, "another file"), (external_storage, "another file"),
     (absurd, "declares"), (bomb, "declares"), (texts, "no numbers"), (references, "no numbers"), (deep, "deeper"),
     (own_child, "linked twice"), (times, "when has a type that cannot be read")],
)  # fmt: skip
def test_datasets_and_links(tmp_path: Path, harm: Callable[[h5py.File], None], saying: str) -> None:
    path = whole(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        harm(file)
    refused(path, saying)


@pytest.mark.parametrize(
    "value", [5, 1.5, np.arange(4), np.zeros(0), h5py.Empty("f"), "", "{", "[]", "null", '"x"', '{"class_name": 1, "config": {}}']
)
def test_a_configuration_of_the_wrong_kind(tmp_path: Path, value: Any) -> None:
    path = whole(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = value
    try:
        model = weightlens.load(path)
    except weightlens.UnreadableModel:
        return
    assert np.array_equal(np.sort(np.concatenate([w.value.ravel() for w in [*model.weights.values(), *model.unplaced]])),
                          np.sort(np.concatenate([array.ravel() for array in dense_arrays("d/", 2, 2).values()])))  # fmt: skip


@pytest.mark.parametrize("name", ["keras_version", "backend", "training_config", "layer_names", "weight_names"])
@pytest.mark.parametrize("value", [5, np.arange(6.0).reshape(2, 3), h5py.Empty("f"), b"\xff\xfe\x01", np.array([b"\xff", b"../../x"])])
def test_attributes_of_the_wrong_kind(tmp_path: Path, name: str, value: Any) -> None:
    path = whole(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        for place in ("/", "model_weights", "model_weights/d"):
            file[place].attrs[name] = value
    try:
        weightlens.load(path)
    except weightlens.UnreadableModel as error:
        assert "\n" not in str(error)


def test_numbers_that_json_does_not_have(tmp_path: Path) -> None:
    text = json.dumps(sequential(given("i", 2), layer("ReLU", "r", max_value=float("inf"), threshold=float("nan"))))
    config = weightlens.load(legacy(tmp_path / "m.h5", text, {"r": {}}))["r"].config
    assert config["max_value"] == float("inf")
    assert np.isnan(config["threshold"])
    refused(legacy(tmp_path / "n.h5", '{"class_name": "Sequential", "config": ' + "9" * 6000 + "}", {}), "JSON|not a model")
    refused(legacy(tmp_path / "o.h5", "[" * 100_000, {}), "JSON")
    nested = '{"class_name": "Sequential", "config": {"layers": [' * 900 + "]}}" * 900
    refused(legacy(tmp_path / "p.h5", nested, {}), "deep|JSON|not a model")


def test_a_graph_that_runs_in_a_circle(tmp_path: Path) -> None:
    layers = [node(given("i", 2)), node(dense("a", 2), [["b", 0, 0, {}]]), node(dense("b", 2), [["a", 0, 0, {}]])]
    model = weightlens.load(legacy(tmp_path / "m.h5", functional(layers, [["i", 0, 0]], [["b", 0, 0]]), {}))
    with pytest.raises(weightlens.UnreadableModel, match="circle"):
        calls_in_order(model)


@pytest.mark.parametrize(
    "name", ["\x1b[31mred", "<b>&amp;</b>", "a\nb", "=cmd|' /C calc'!A0", "x" * 10_000, "\u202e", "", "..", "a/../b", "0"]
)
def test_layer_names_are_data(tmp_path: Path, name: str) -> None:
    config = sequential(given("i", 2), dense(name, 2))
    kept = weightlens.load(archive(tmp_path / "m.keras", config, numbered("layers/dense", numbers(2, 2), numbers(2)), "2.15.0")).layers[1]
    assert (kept.config["name"], kept.size) == (name, 6)


def test_group_names_that_are_not_unicode(tmp_path: Path) -> None:
    objects(tmp_path / "m.h5", {})
    with h5py.File(tmp_path / "m.h5", "a") as file:
        h5py.h5g.create(file.id, b"layer\xff\xfe")
        file[b"layer\xff\xfe"]["kernel"] = numbers(2)
    model = weightlens.load(tmp_path / "m.h5")
    assert np.array_equal(next(iter(model.weights.values())).value, numbers(2))


def write_bomb(path: Path, name: str, **beside: str) -> None:
    """A zip with a member of 300 MB of nothing, packed into 300 kB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for other, text in beside.items():
            file.writestr(f"{other}.json", text)
        with file.open(name, "w") as member:
            for _ in range(300):
                member.write(bytes(2**20))


@pytest.mark.slow
def test_a_zip_that_unpacks_to_far_more(tmp_path: Path) -> None:
    write_bomb(tmp_path / "m.keras", "config.json")
    refused(tmp_path / "m.keras", "claims to unpack")
    write_bomb(tmp_path / "n.keras", "model.weights.h5", config=json.dumps(MODEL))
    refused(tmp_path / "n.keras", "claims to unpack")


@pytest.mark.parametrize("compress", [True, False])
def test_a_zip_member_that_lies_about_its_size(tmp_path: Path, compress: bool) -> None:
    path = archive(tmp_path / "m.keras", MODEL, numbered("layers/dense", numbers(2, 2), numbers(2)), compress=compress)
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1) + 1)  # the third: the weights
    data[entry + 24 : entry + 28] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(data)
    refused(path, "longer than the file|damaged|claims")


def test_a_member_of_random_bytes(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", MODEL, {}, compress=True)
    data = path.read_bytes()
    packed = zlib.compress(b"x" * 50)
    path.write_bytes(data[:40] + packed + data[40 + len(packed) :])
    refused(path, ".")


def test_paths_in_member_names_lead_nowhere(tmp_path: Path) -> None:
    names = {"../../evil.txt": "x", "/etc/evil": "x", "assets/../../layers/vocabulary.txt": "x"}
    model = weightlens.load(
        archive(tmp_path / "m.keras", MODEL, numbered("layers/dense", numbers(2, 2), numbers(2)), "2.15.0", extra=names)
    )
    assert model.size == 6
    assert sorted(found.name for found in tmp_path.iterdir()) == ["m.keras"]


@pytest.mark.parametrize(
    ("content", "saying"),
    [(b"", "empty file"), (b"not a model", "text, not a model; it begins"),
     (b"\n\n<!DOCTYPE html>", "web page"), (b"\x80\x04pickle", "pickle"),
     (b"PK\x03\x04" + b"\0" * 40, "zip"),
     (b"\x89HDF\r\n\x1a\n" + b"\0" * 500, "HDF5"),
     (b"version https://git-lfs.github.com/spec/v1\n", "LFS"), (b'{"a": 1}', "JSON"), (b"{", "JSON")],
)  # fmt: skip
def test_files_that_are_something_else(tmp_path: Path, content: bytes, saying: str) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(content)
    refused(path, saying)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    refused(tmp_path / "none.h5", "no such file")
    refused(tmp_path, "config.json")
    (tmp_path / "saved_model.pb").write_bytes(b"")
    refused(tmp_path, "SavedModel")


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    objects(tmp_path / "m.h5", {})
    for text in ("!!python/object/apply:os.system ['touch evil']", "a: &a [x]\nb: [*a, *a", "- " * 5000, "&x [*x, *x]"):
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(weightlens.UnreadableModel):
            weightlens.load(tmp_path / "m.h5", tmp_path / "c.yaml")
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    (tmp_path / "c.yaml").write_text(bomb + "class_name: Sequential\nconfig: *a11\n")
    with pytest.raises(weightlens.UnreadableModel):
        weightlens.load(tmp_path / "m.h5", tmp_path / "c.yaml")


def test_tensors_that_point_nowhere(tmp_path: Path) -> None:
    for number, args in enumerate(([tensor("nobody")], [tensor("i", 7)], [tensor("d")], [])):
        layers = [node(given("i", 2, key="batch_shape")), node(dense("d", 2), {"args": args, "kwargs": {}})]
        model = weightlens.load(
            legacy(tmp_path / f"{number}.h5", functional(layers, ["i", 0, 0], ["d", 0, 0]), {"d": dense_arrays("d/", 2, 2)}, "3.15.1")
        )
        with pytest.raises(weightlens.WeightlensError):
            model.predict(numbers(1, 2))
