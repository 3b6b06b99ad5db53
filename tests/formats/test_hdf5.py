"""The reader of HDF5 files by itself: groups and lists of names, and the limits, to the last byte."""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import numpy as np
import pytest

from weightlens import limits
from weightlens.errors import UnreadableModel
from weightlens.formats.hdf5.access import Hdf5File, overlap_of_arrays


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["layer/inner/kernel"] = np.arange(300, dtype=np.float32).reshape(20, 15)
        file["layer"].attrs.update({"names0": np.array([b"a", b"bc"]), "names1": np.array([b"d"])})
    return tmp_path / "m.h5"


def test_groups_by_their_paths(path: Path) -> None:
    file = Hdf5File(path, "m.h5")
    assert file.group("") is not None and file.group("layer/inner") is not None
    assert file.size == Hdf5File(io.BytesIO(path.read_bytes()), "m.h5").size == path.stat().st_size
    assert file.group("layer/inner/kernel") is None, "an array is no group"
    assert file.group("other") is None and file.group("other/inner") is None and file.group("layer/") is None
    assert file.has("layer", "names") and not file.has("layer", "other") and not file.has("other", "names")
    assert file.names("layer", "names") == ["a", "bc", "d"] and file.names("layer", "other") is None


def test_what_is_walked(path: Path) -> None:
    assert [place for place, _, _ in Hdf5File(path, "m.h5").walk()] == ["", "layer", "layer/inner", "layer/inner/kernel"]


@pytest.mark.parametrize(("limit", "enough"), [("OBJECTS", 3), ("DEPTH", 2)])
def test_as_many_objects_and_as_deep_as_allowed(path: Path, limit: str, enough: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, limit, enough)
    assert list(Hdf5File(path, "m.h5").weights()) == ["layer/inner/kernel"]
    monkeypatch.setattr(limits, limit, enough - 1)
    with pytest.raises(UnreadableModel, match="more groups, or deeper ones"):
        Hdf5File(path, "m.h5").weights()


def test_a_list_of_names_as_long_as_allowed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ATTRIBUTE", 5)
    assert Hdf5File(path, "m.h5").names("layer", "names") == ["a", "bc", "d"]
    monkeypatch.setattr(limits, "ATTRIBUTE", 4)
    with pytest.raises(UnreadableModel, match="attribute names is longer"):
        Hdf5File(path, "m.h5").names("layer", "names")


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_arrays_as_large_as_allowed(path: Path, spare: int, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight bytes for each number, whatever it is stored in: that is what is computed with."""
    monkeypatch.setattr(limits, "allowed_bytes", lambda size: 300 * 8 + spare)
    kernel = Hdf5File(path, "m.h5").weights()["layer/inner/kernel"]
    assert (kernel.name, kernel.shape, kernel.dtype) == ("kernel", (20, 15), "float32")
    if not fits:
        with pytest.raises(UnreadableModel, match="declares 2,400 bytes and stores 1,200"):
            kernel.value  # noqa: B018 - reading is the point
        return
    np.testing.assert_array_equal(kernel.value, np.arange(300).reshape(20, 15))
    kernel._value = None
    np.testing.assert_array_equal(kernel.value[-1], np.arange(285, 300), "an array is counted once")


def test_a_dataset_of_nothing_is_listed_and_holds_no_numbers(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["layer/empty"] = h5py.Empty("f4")
    weights = Hdf5File(path, "m.h5").weights()
    assert weights["layer/empty"].shape == () and weights["layer/inner/kernel"].shape == (20, 15)
    with pytest.raises(UnreadableModel, match="layer/empty holds no numbers"):
        weights["layer/empty"].value  # noqa: B018 - reading is the point


@pytest.mark.parametrize(
    ("extents", "overlap"),
    [
        ([(0, 10), (10, 5)], None),
        ([(0, 10), (9, 5)], 9),
        ([(20, 5), (0, 21)], 20),
        ([(0, 10), (5, 0)], None),
        ([(None, 10), (None, 10)], None),
    ],
)
def test_arrays_overlap_where_both_have_numbers(extents: list[tuple[int | None, int]], overlap: int | None) -> None:
    assert overlap_of_arrays(dict(enumerate(extents))) == overlap


def test_an_attribute_that_cannot_be_read_is_not_taken_for_absent(path: Path) -> None:
    with h5py.File(path, "a") as file:
        h5py.h5a.create(file["layer"].id, b"when", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((1,)))
    with pytest.raises(UnreadableModel, match="attribute when cannot be read"):
        Hdf5File(path, "m.h5").attribute("layer", "when")


def test_chunks_are_looked_at_before_they_are_read(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file.create_dataset("layer/chunks", data=np.arange(10), chunks=(5,), compression="gzip")
        file.create_dataset("layer/packed", data=np.arange(10), chunks=(5,), scaleoffset=4)
    weights = Hdf5File(path, "m.h5").weights()
    assert weights["layer/chunks"].value.tolist() == list(range(10))
    with pytest.raises(UnreadableModel, match="layer/packed is compressed with unsupported HDF5 filters"):
        weights["layer/packed"].value  # noqa: B018 - reading is the point
