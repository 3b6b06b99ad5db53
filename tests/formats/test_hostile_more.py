"""More files made to do harm: what unpacks to far more than it takes, what looks alike, what is no file at all."""

from __future__ import annotations

import json
import os
import time
import warnings
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from h5py import h5d, h5g, h5p, h5s, h5t

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
    write_groups,
    zeros_packed,
)  # fmt: skip
from tests.formats.test_hostile import MODEL, refused, whole, within_bounds
from weightlens.cli.main import main
from weightlens.formats.architecture import build as architecture
from weightlens.formats.architecture import config_values as values

__all__ = ["within_bounds"]  # holds for every test here


def shown(path: Path, *options: str) -> None:
    """The command shows it within two seconds, and nothing but its own lines is on the screen."""
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert main(["show", str(path), *options]) == 0
    assert time.process_time() - started < 2


def diamonds(file: h5py.File) -> None:
    """Each group is twice in the one before: 2 to the power of 60 ways down."""
    for number in range(60):
        file.create_group(f"d{number}")
    for number in range(59):
        file[f"d{number}/left"] = file[f"d{number}/right"] = file[f"d{number + 1}"]


def one_large_chunk(file: h5py.File) -> None:
    """Four numbers, for which two gigabytes are unpacked."""
    settings = h5p.create(h5p.DATASET_CREATE)
    settings.set_chunk((2**29,))
    settings.set_deflate(9)
    found = h5d.create(file["model_weights"].id, b"z", h5t.IEEE_F32LE, h5s.create_simple((4,), (h5s.UNLIMITED,)), settings)
    found.write_direct_chunk((0,), zeros_packed(2048))


def many_names(file: h5py.File) -> None:
    file["model_weights"].attrs.create("layer_names", np.zeros(30_000_000, "S1"))


def many_pieces(file: h5py.File) -> None:
    del file["model_weights"].attrs["layer_names"]
    for number in range(1200):
        file["model_weights"].attrs[f"layer_names{number}"] = np.array([b"x" * 60_000])


@pytest.mark.parametrize(
    ("harm", "saying"),
    [
        (diamonds, "linked twice"),
        pytest.param(one_large_chunk, "unpacks", marks=pytest.mark.slow),
        (many_names, "larger than any that Keras writes"),
        (many_pieces, "longer than"),
    ],
)
def test_more_than_it_takes(tmp_path: Path, harm: Callable[[h5py.File], None], saying: str) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["model_config"] = json.dumps(MODEL)
        file.create_group("model_weights").attrs["layer_names"] = np.array([b"d"])
        harm(file)
    refused(path, saying)


def test_configurations_of_more_values_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '{"class_name": "Sequential", "config": {"layers": [' + ",".join(["[]"] * 8_000_000) + "]}}"
    refused(archive(tmp_path / "m.keras", text, {}), "more values")
    monkeypatch.setattr(architecture, "MAX_LAYERS", 50)
    inner = sequential(*(dense(f"d{number}", 1) for number in range(30)))
    refused(archive(tmp_path / "n.keras", sequential(inner, inner), {}), "more than 50 layers")
    monkeypatch.setattr(values, "JSON", 50)
    refused(archive(tmp_path / "o.keras", MODEL, {}), "larger than any")


def test_a_vocabulary_of_nothing_but_line_ends(tmp_path: Path) -> None:
    config = sequential(given("i", 1), layer("StringLookup", "s"))
    words = {"assets/layers/string_lookup/vocabulary.txt": "\n" * 5_000_000}
    refused(archive(tmp_path / "m.keras", config, {}, compress=True, extra=words), "more words")


@pytest.mark.parametrize("option", [(), ("--tree",)])
def test_a_pipe_is_not_waited_for(tmp_path: Path, option: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "m.h5")
    assert main(["show", str(tmp_path / "m.h5"), *option]) == 2
    assert "a pipe" in capsys.readouterr().err


def test_names_that_look_alike_hide_nothing(tmp_path: Path) -> None:
    objects(tmp_path / "m.h5", {})
    with h5py.File(tmp_path / "m.h5", "a") as file:
        for raw in (b"layer\xff", b"layer\xfe"):
            h5g.create(file.id, raw)
            file[raw]["kernel"] = numbers(2, seed=raw[-1])
    kept = weightlens.load(tmp_path / "m.h5").weights.values()
    assert sorted(weight.value[0] for weight in kept) == sorted(numbers(2, seed=seed)[0] for seed in (0xFE, 0xFF))
    shown(tmp_path / "m.h5", "--tree")


def test_groups_that_mean_the_same_object_hide_nothing(tmp_path: Path) -> None:
    paths = ["layers/dense/vars/0", "layers/dense/0", "layers\\dense\\vars/0", "layers\\dense/vars/0", "layers/dense/vars/00"]
    arrays = {path: numbers(number + 2, 2) for number, path in enumerate(paths)}
    objects(tmp_path / "m.h5", arrays)
    assert weightlens.load(tmp_path / "m.h5").size == sum(array.size for array in arrays.values())
    model = weightlens.load(archive(tmp_path / "m.keras", MODEL, arrays))
    assert model.size == sum(array.size for array in arrays.values())


def test_numbers_of_every_kind_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signalling = numbers(2, 2).copy()
    signalling.view(np.uint32)[0, 0] = 0x7F800001  # turning such a NaN into a double is an "invalid operation"
    signalling[1] = np.inf, -np.inf
    path = legacy(tmp_path / "m.h5", MODEL, {"d": {"d/kernel:0": signalling, "d/bias:0": np.array([1, 2], ">f4")}})
    with h5py.File(path, "a") as file:
        stray = {"long": np.arange(3, dtype="f16"), "complex": np.ones(3, "c8"), "none": np.zeros((0, 2**40)), "yes": np.array([True])}
        for name, array in stray.items():
            file.create_dataset(f"model_weights/{name}", data=array)
    for options in ((), ("--stats",), ("--format", "json"), ("--full",), ("--tree",)):
        shown(path, *options)
    assert weightlens.load(path)["d"].own_weights["bias"].dtype == "float32"
    assert main(["diff", str(path), str(path)]) == 0
    assert not capsys.readouterr().err


def test_layers_of_absurd_size_are_listed(tmp_path: Path) -> None:
    for number, entry in enumerate(
        [dense("d", 10**15), layer("Reshape", "r", target_shape=[10**9, 10**9]), layer("RepeatVector", "v", n=10**12)]
    ):
        shown(archive(tmp_path / f"{number}.keras", sequential(given("i", 2), entry), {}))


def test_an_input_of_negative_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = archive(tmp_path / "m.keras", sequential(given("i", -2), dense("d", 2)), numbered("layers/dense", numbers(2, 2), numbers(2)))
    assert main(["trace", str(path)]) == 2
    assert "batch_input_shape is [None, -2], but it has to be" in capsys.readouterr().err


def test_complex_numbers_are_not_computed_with(tmp_path: Path) -> None:
    path = legacy(tmp_path / "m.h5", MODEL, {"d": {"d/kernel:0": np.ones((2, 2), "c8"), "d/bias:0": numbers(2)}})
    with pytest.raises(weightlens.BadInput, match="complex"):
        weightlens.load(path).predict([[1, 2]])


def test_members_of_an_archive_that_are_not_what_they_seem(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", MODEL, numbered("layers/dense", numbers(2, 2), numbers(2)))
    data = path.read_bytes()
    for name, kind in (("model.weights.h5", 0o120777), ("config.json", 0o120777)):  # links, were they unpacked
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "n.keras", "w") as new:
            for member in old.namelist():
                info = zipfile.ZipInfo(member)
                info.external_attr = kind << 16 if member == name else 0
                new.writestr(info, "/etc/passwd" if member == name else old.read(member))
        refused(tmp_path / "n.keras", "HDF5|JSON")
    encrypted = bytearray(data)
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = -1
        while (start := encrypted.find(mark, start + 1)) >= 0:
            encrypted[start + place] |= 1
    (tmp_path / "e.keras").write_bytes(encrypted)
    refused(tmp_path / "e.keras", "encrypted|password")
    (tmp_path / "z.keras").write_bytes(data.replace(b"model.weights.h5", b"model.weights.h6", 1))
    refused(tmp_path / "z.keras", "different names in the zip.s directory")


@pytest.mark.parametrize("settings", [5, "mse", ["mse"]])
def test_training_settings_of_the_wrong_type_are_left_out(tmp_path: Path, settings: object) -> None:
    path = archive(tmp_path / "m.keras", {**MODEL, "compile_config": settings}, numbered("layers/dense", numbers(2, 2), numbers(2)))
    assert weightlens.load(path).training_config == {} and main(["show", str(path)]) == 0


def test_a_stray_group_with_a_number_is_no_layer_of_keras_0(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["nb_layers"] = 1
        for group in ("layer_0", "layer_00", "stray_0"):
            file[f"{group}/param_0"], file[f"{group}/param_1"] = numbers(2, 2), numbers(2)
    (tmp_path / "m.json").write_text(json.dumps({"name": "Sequential", "layers": [{"name": "Dense", "output_dim": 2, "input_dim": 2}]}))
    model = weightlens.load(tmp_path / "m.h5")
    assert sorted(weight.path for weight in model.unplaced) == ["stray_0/param_0", "stray_0/param_1"]
    assert model.size == 18


def test_a_graph_of_keras_0_without_layers(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_group("graph").attrs["nb_params"] = 1
        file["graph/param_0"] = numbers(2)
    config = {"name": "Graph", "node_config": [], "nodes": {}, "input_config": [{"name": "x", "input_shape": [2]}], "output_config": []}
    (tmp_path / "m.json").write_text(json.dumps(config))
    assert [weight.path for weight in weightlens.load(tmp_path / "m.h5").unplaced] == ["graph/param_0"]


def test_a_whole_file_still_opens(tmp_path: Path) -> None:
    path = whole(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:  # a second name for a dataset does no harm
        file["model_weights/again"] = file["model_weights/d/d/kernel:0"]
    assert np.array_equal(weightlens.load(path)["d"].kernel, dense_arrays("d/", 2, 2)["d/kernel:0"])


def test_a_block_of_the_users_own_in_front(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w", userblock_size=4096) as file:
        file.attrs["model_config"] = json.dumps(MODEL)
        write_groups(file.create_group("model_weights"), {"d": dense_arrays("d/", 2, 2)})
    shown(tmp_path / "m.h5")
    shown(tmp_path / "m.h5", "--tree")


def doubled(times: int) -> dict[str, object]:
    """A network that puts what it is given beside itself, again and again."""
    names = ["i", *(f"c{k}" for k in range(times))]
    joined = [node(layer("Concatenate", name, axis=-1), [[before, 0, 0, {}]] * 2) for before, name in pairwise(names)]
    return functional([node(given("i", 4)), *joined], [["i", 0, 0]], [[names[-1], 0, 0]])


@pytest.mark.parametrize("command", ["trace", "export", "predict"])
@pytest.mark.parametrize(
    ("config", "shape"),
    [
        (doubled(40), (1, 4)),
        (sequential(given("i", 4), layer("RepeatVector", "r", n=10**12)), (1, 4)),
        (sequential(given("i", 2, 2, 1), layer("ZeroPadding2D", "z", padding=[[10**6, 10**6], [10**6, 10**6]])), (1, 2, 2, 1)),
        (sequential(given("i", 2, 2, 1), layer("UpSampling2D", "u", size=[20_000, 20_000], interpolation="nearest")), (1, 2, 2, 1)),
    ],
    ids=["doubled", "repeated", "padded", "enlarged"],
)
def test_networks_that_explode_are_not_computed(
    tmp_path: Path, config: dict[str, object], shape: tuple[int, ...], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    legacy(tmp_path / "m.h5", config, {})
    np.save(tmp_path / "x.npy", np.zeros(shape))
    target = ["-o", str(tmp_path / "out.xlsx")] if command == "export" else []
    assert main([command, str(tmp_path / "m.h5"), "-i", str(tmp_path / "x.npy"), *target]) == 2
    assert "numbers for one sample" in capsys.readouterr().err
