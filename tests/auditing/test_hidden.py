"""Code that hides: in a file that is two things at once, behind a part that cannot be read, in a folder that is very deep."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest
from h5py import h5d, h5s, h5t

import weightlens
from tests.auditing.networks import mlp, write
from tests.auditing.store import rng_of
from tests.auditing.test_audit import DEEP
from tests.formats.build import given, sequential
from tests.formats.savedmodel import build as saved_build
from tests.tiny import write_tiny
from weightlens.auditing.store import Identity
from weightlens.cli.main import main
from weightlens.formats.patterns import everything_in, matches
from weightlens.model import Model


def with_code(path: Path) -> Path:
    net = mlp(rng_of(1))
    net.entries.append(DEEP)
    return write(net, path)


def sound(path: Path) -> Path:
    return write(mlp(rng_of(1)), path)


def zip_behind_hdf5(tmp_path: Path) -> Path:
    """An HDF5 file with an archive at its end: Keras takes it for the archive, by its name."""
    path = tmp_path / "m.keras"
    path.write_bytes(sound(tmp_path / "a.h5").read_bytes() + with_code(tmp_path / "b.keras").read_bytes())
    return path


def in_front_of_hdf5(tmp_path: Path, front: bytes) -> Path:
    """An HDF5 file that begins further on, as its library allows."""
    room = 512
    while room < len(front):
        room *= 2
    path = tmp_path / "m.h5"
    with h5py.File(with_code(tmp_path / "code.h5")) as code, h5py.File(path, "w", userblock_size=room) as file:
        for name in code:
            code.copy(name, file)
        file.attrs.update(code.attrs)
    with path.open("r+b") as file:
        file.write(front)
    return path


def zip_before_hdf5(tmp_path: Path) -> Path:
    return in_front_of_hdf5(tmp_path, sound(tmp_path / "a.keras").read_bytes())


def json_before_hdf5(tmp_path: Path) -> Path:
    return in_front_of_hdf5(tmp_path, b'{"modelTopology": 1}')


def page_before_hdf5(tmp_path: Path) -> Path:
    return in_front_of_hdf5(tmp_path, b"<!doctype html>")


def beside_a_type_without_numbers(tmp_path: Path) -> Path:
    """NumPy has no such type, so the array cannot be opened; Keras never looks at it."""
    path = with_code(tmp_path / "m.h5")
    with h5py.File(path, "a") as file:
        h5d.create(file.id, b"a_time", h5t.UNIX_D32LE, h5s.create_simple((2,)))
    return path


def repacked(path: Path, first: dict[str, bytes], twice: bool = False) -> Path:
    """The archive again, with further members in front; ``twice``: its configuration too, once sound and once not."""
    with zipfile.ZipFile(path) as old:
        members = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(path, "w") as new:
        for name, data in (*first.items(), *members):
            new.writestr(name, data)
        if twice:
            with pytest.warns(UserWarning, match="Duplicate name"):
                new.writestr("config.json", json.dumps(sequential(given("x", 2))))
    return path


def behind_a_graph_that_is_none(tmp_path: Path) -> Path:
    return repacked(with_code(tmp_path / "m.keras"), {"a/saved_model.pb": b"\x0b\xff\xff", "a/keras_metadata.pb": b"\xff"})


def under_a_name_that_is_there_twice(tmp_path: Path) -> Path:
    return repacked(with_code(tmp_path / "m.keras"), {}, twice=True)


def in_a_text_after_a_blank(tmp_path: Path) -> Path:
    """What Keras says of a SavedModel is JSON, which may begin with a blank."""
    root = saved_build.model_thing(sequential(given("i", 3), DEEP), [])
    path = saved_build.written(tmp_path / "saved", saved_build.saved(root))
    found = path / "keras_metadata.pb"
    data = found.read_bytes()
    place = data.index(b'{"')
    changed = data.replace(b'{"class_name": "Sequential"', b' {"class_name":"Sequential"')
    assert changed != data and len(changed) == len(data) and place
    found.write_bytes(changed)
    return path


@pytest.mark.parametrize("hide", [
    zip_behind_hdf5, zip_before_hdf5, json_before_hdf5, page_before_hdf5, beside_a_type_without_numbers, behind_a_graph_that_is_none,
    under_a_name_that_is_there_twice, in_a_text_after_a_blank,
])  # fmt: skip
def test_code_is_found(hide: Callable[[Path], Path], tmp_path: Path) -> None:
    found = [one for one in weightlens.audit(hide(tmp_path)) if one.rule == "code-in-file"]
    assert any(one.layer == "deep" and one.level == "error" for one in found)


def test_what_cannot_be_looked_at_is_said(tmp_path: Path) -> None:
    path = repacked(sound(tmp_path / "m.keras"), {"a/config.json": b"[1,"})
    (found,) = weightlens.audit(path)
    assert (found.rule, found.level, found.evidence) == ("unreadable", "warning", {"part": "a/config.json"})


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder in a folder in a folder..., deeper than calls may be in one another, and than the name of a path may be long."""
    here = os.getcwd()  # noqa: PTH109
    (tmp_path / "top").mkdir()
    os.chdir(tmp_path / "top")
    for _ in range(1_100):
        os.mkdir("ddd")  # noqa: PTH102 - the whole path would be too long
        os.chdir("ddd")
    os.chdir(here)
    yield tmp_path / "top"
    subprocess.run(["rm", "-rf", tmp_path], check=True)  # Python's own functions call themselves


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no folder is so deep")
def test_deep_folders(deep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert len([*everything_in(deep)]) > 950, "as many as Python allows calls in one another, but for those of this test"
    with_code(deep / "z.keras")
    assert main(["audit", str(deep), "--rule", "all=off", "--rule", "code-in-file=error"]) == 1
    assert main(["audit", f"{deep}/**/*.keras", "--rule", "all=off", "--rule", "code-in-file=error"]) == 1
    assert "Error" not in capfd.readouterr().err and matches(f"{deep}/**/*.keras") == [str(deep / "z.keras")]
    found = {Path(one.file).name: one.rule for one in weightlens.audit(deep, rules=["all=off", "unreadable=error"])}
    assert found == {"ddd": "unreadable"}, "the folder below which nobody could look"
    root = saved_build.model_thing(sequential(given("i", 3), DEEP), [])
    model = saved_build.written(deep.parent / "saved", saved_build.saved(root))
    shutil.move(deep / "ddd", model / "assets")
    assert main(["audit", str(model), "-o", str(deep / "r.json"), "--format", "json"]) == 1
    assert "Lambda" in (deep / "r.json").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the names of files are Unicode")
def test_a_folder_with_a_name_in_it_that_is_no_unicode(tmp_path: Path) -> None:
    root = saved_build.model_thing(sequential(given("i", 3)), [])
    model = saved_build.written(tmp_path / "saved", saved_build.saved(root))
    (model / os.fsdecode(b"\xff.txt")).write_text("x")
    assert [one.rule for one in weightlens.audit(model)] == [one.rule for one in weightlens.audit(model)]


def test_a_pipe_among_models_is_no_model(tmp_path: Path) -> None:
    write_tiny(tmp_path / "m.h5")
    os.mkfifo(tmp_path / "pipe.h5")
    assert len(weightlens.audit(tmp_path).places) == 1
    (found,) = weightlens.audit(tmp_path / "pipe.h5")
    assert found.rule == "unreadable" and "pipe" in found.message


def test_one_file_at_which_we_fail_does_not_end_the_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from weightlens.auditing import one_file

    plain = one_file.described

    def fails(identity: Identity, model: Model, layers: Any) -> Any:
        if "bad" in model.provenance.path:
            raise ZeroDivisionError("of our own")
        return plain(identity, model, layers)

    monkeypatch.setattr(one_file, "described", fails)
    for name in ("bad", "good"):
        sound(tmp_path / f"{name}.keras")
    (found,) = weightlens.audit(tmp_path, rules=["store=off"])
    assert (Path(found.file).name, found.rule, found.message) == ("bad.keras", "unreadable", "ZeroDivisionError: of our own")
