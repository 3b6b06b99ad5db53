"""Files from strangers: nothing else is opened or run, nothing in them reaches a terminal or a copy in another shape."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import weightlens
from tests.conftest import SAMPLES
from tests.formats.build import archive
from tests.formats.test_write_back import ARRAYS, STACK, shards
from tests.tiny import write_tiny
from weightlens.cli.main import main
from weightlens.errors import BadInput, UnreadableModel, WeightlensError
from weightlens.formats import write_back as module
from weightlens.formats.write_back import write_back
from weightlens.terminal.escape import HARMFUL, written_out

# -- a .keras archive is packed again -------------------------------------------------------------------------------------------

ODD = ["unpacked.h5", "m.keras", "model.weights.h5.part", "new.keras", "../up.txt", "/abs.txt", "assets/", "é.txt", "a" * 300]


def with_members(path: Path, compress: bool) -> Path:
    archive(path, STACK, ARRAYS, compress=compress)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as file:
        for name in ODD:
            file.writestr(name, b"" if name.endswith("/") else name.encode() * 7)
    return path


def change_one(path: Path, new: Path) -> np.ndarray:
    """Write one weight back with other numbers; gives these."""
    weight = weightlens.load(path)["a"].weights["kernel"]
    value = weight.value + 1
    write_back(path, new, {"a/kernel": (weight, value)})
    return value


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("name", ["unpacked.h5", "m.keras", "model.weights.h5"])  # what scratch files might be called
def test_members_may_be_called_anything(compress: bool, name: str, tmp_path: Path) -> None:
    path, new = with_members(tmp_path / name, compress), tmp_path / ("new" + Path(name).suffix)
    wanted = change_one(path, new)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(new) as made:
        assert old.namelist() == made.namelist() and made.testzip() is None
        assert all(old.read(name) == made.read(name) for name in old.namelist() if name != "model.weights.h5")
    np.testing.assert_array_equal(weightlens.load(new)["a"].kernel, wanted)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, new.name])


def test_an_archive_that_is_packed_wrongly_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, pack = with_members(tmp_path / "m.keras", False), module.pack_archive

    def spoilt(old: zipfile.ZipFile, file: io.BufferedRandom, weights: io.BufferedRandom) -> None:
        pack(old, file, weights)
        file.flush()
        with zipfile.ZipFile(file) as packed:
            at = packed.getinfo("config.json").header_offset + 60
        file.seek(at)
        file.write(b"!")

    monkeypatch.setattr(module, "pack_archive", spoilt)
    with pytest.raises(WeightlensError):
        change_one(path, tmp_path / "new.keras")
    monkeypatch.setattr(module, "pack_archive", lambda old, file, weights: zipfile.ZipFile(file, "w").close())
    with pytest.raises(WeightlensError, match="other members"):
        change_one(path, tmp_path / "new.keras")
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


def test_an_archive_with_two_of_a_name_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", STACK, ARRAYS)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("config.json", zipfile.ZipFile(path).read("config.json"))
    with pytest.raises(BadInput, match="two members of the same name"):
        change_one(path, tmp_path / "new.keras")
    assert not (tmp_path / "new.keras").exists()


# -- pictures, shards, folders ---------------------------------------------------------------------------------------------------

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(gs-was-here) print\nshowpage\n%%EOF\n"


@pytest.mark.parametrize("start", [EPS, b"\xc5\xd0\xd3\xc6" + EPS, b"%PDF-1.4\n", b"P6 8 8 255\n" + b"\0" * 192, b"II*\0" + b"\0" * 64])
def test_only_pictures_are_opened_as_pictures(
    start: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program called ``gs`` would leave a mark."""
    pytest.importorskip("PIL")
    gs = tmp_path / "gs"
    gs.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    gs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    picture = tmp_path / "x.png"
    picture.write_bytes(start)
    assert main(["predict", str(SAMPLES / "digits_cnn.keras"), "-i", str(picture)]) == 2
    err = capsys.readouterr().err
    assert "PNG, JPEG, BMP, GIF, WEBP" in err and err.count("\n") == 1 and not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_pictures_are_known_by_their_bytes(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = pytest.importorskip("PIL.Image")
    images.new("L", (8, 8), 7).save(tmp_path / "x", kind)
    (tmp_path / "x").rename(tmp_path / "x.png")
    assert main(["predict", str(SAMPLES / "digits_cnn.keras"), "-i", str(tmp_path / "x.png")]) == 0


def test_a_shard_is_a_file_beside_its_list(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    manifest = shards(tmp_path / "in")
    shard = tmp_path / "in" / "m_00000.weights.h5"
    weightlens.load(manifest)
    shard.rename(tmp_path / "secret.h5")
    shard.symlink_to(tmp_path / "secret.h5")
    with pytest.raises(UnreadableModel, match="or is a link"):
        weightlens.load(manifest)
    shard.unlink()
    for name in ("../secret.h5", str(tmp_path / "secret.h5"), "..", ".", ""):
        manifest.write_text(json.dumps({"weight_map": {"/layers/dense/vars": name}}))
        with pytest.raises(UnreadableModel, match="not in the folder of its manifest"):
            weightlens.load(manifest)
    os.mkfifo(shard)
    manifest.write_text(json.dumps({"weight_map": {"/layers/dense/vars": shard.name}}))
    with pytest.raises(UnreadableModel, match="not in the folder of its manifest"):
        weightlens.load(manifest)


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_links_in_a_folder_are_not_followed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "f.keras"
    shutil.unpack_archive(archive(tmp_path / "m.keras", STACK, ARRAYS), folder, "zip")
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    try:
        model = weightlens.load(folder)
    except UnreadableModel:
        return
    assert not (model.weights if name == "model.weights.h5" else model.provenance.keras_version)


# -- names in csv and json -------------------------------------------------------------------------------------------------------

NASTY = "n\x1b[2J\x07\x7f\x9b1m\u202eevil\u2066\u200b\ufeff\U000e0041\u2028\r\nx"


@pytest.fixture
def nasty(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "x.h5", name=NASTY.replace("\r\n", "_"))


@pytest.mark.parametrize("command", [
    "show {} --format csv", "show {} --format json", "show {} --format json --stats", "trace {} -i 0,1 --format json",
    "diff {} {} --format json", "show {}", "trace {} -i 0,1", "show {} --tree", "diff {} {}",
])  # fmt: skip
@pytest.mark.parametrize("to_file", [False, True])
def test_nothing_invisible_is_written(
    command: str, to_file: bool, nasty: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    target = tmp_path / ("x.csv" if "csv" in command else "x.json" if "json" in command else "x.txt")
    assert main([*command.format(nasty, nasty).split(), *(["-o", str(target)] if to_file else [])]) == 0
    text = (target.read_bytes() if to_file else capfdbinary.readouterr().out).decode()
    assert text and written_out(text.replace("\n", "")) == text.replace("\n", "")
    if "json" in command:
        names = json.dumps(json.loads(text), ensure_ascii=False)
        assert "\u202eevil" in names, "it is still the same name"
    elif "csv" in command:
        assert "\\x1b[2J\\x07\\x7f\\x9b" in next(csv.reader(io.StringIO(text.splitlines()[1])))[0]


def test_every_harmful_character_is_escaped_so_that_json_stays_the_same() -> None:
    import sys
    import unicodedata

    from weightlens.terminal.machine import to_json

    harmful = "".join(c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in HARMFUL - {"Cs", "Cn", "Co"})
    text = to_json({"a": harmful, "é": 1.5}).decode()
    assert json.loads(text) == {"a": harmful, "é": 1.5} and written_out(text) == text and "é" in text


def test_the_message_of_a_command_is_harmless_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tiny = write_tiny(tmp_path / "tiny.h5")
    assert main(["export", str(tiny), "-o", str(tmp_path / "a\x1b[2J.xlsx")]) == 0
    assert "\x1b" not in capfd.readouterr().out
    with h5py.File(tiny) as file:
        assert file.attrs["keras_version"] == "3.5.0", "the model is as it was"
