"""Files of other kinds, whole, cut short or damaged, given where a model, a workbook or an architecture belongs."""

from __future__ import annotations

import functools
import io
import json
import struct
import tarfile
from random import Random

import numpy as np

from tests.fuzz.archives import packed
from tests.fuzz.case import Case, sample
from tests.fuzz.damage import damaged

NAMES = ("m.h5", "m.keras", "m.json", "m.yaml", "m.xlsx", "m.bin", "m.csv")
COMMANDS = (
    ("show", "m"), ("show", "m", "--tree"), ("trace", "m"), ("predict", "m", "-i", "0,1"), ("export", "m", "-o", "out.xlsx", "--force"),
    ("diff", "or.h5", "m"), ("show", "or.h5", "--config", "m"), ("import", "m", "or.h5", "-o", "new.h5", "--force"),
    ("check", "or.h5", "--workbook", "m", "--engine", "ironcalc"), ("predict", "or.h5", "-i", "m"),
)  # fmt: skip


def make(chance: Random) -> Case:
    """One such file, half of them as they are."""
    kind, data = chance.choice(sorted(good().items()))
    word, name = "whole", chance.choice(NAMES)
    if chance.random() < 0.5:
        data, word = damaged(data, chance)
    command = tuple(name if part == "m" else part for part in chance.choice(COMMANDS))
    return Case({name: data, "or.h5": sample("or.h5")}, command, f"{kind}: {word}", command[0] in ("diff", "check"))


@functools.cache
def good() -> dict[str, bytes]:
    """A small file of each kind."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as file:
        info = tarfile.TarInfo("m.h5")
        info.size = len(sample("or.h5"))
        file.addfile(info, io.BytesIO(sample("or.h5")))
    array = io.BytesIO()
    np.save(array, np.ones((2, 2)))
    return {
        "empty": b"",
        "zeros": bytes(5000),
        "tar": tar.getvalue(),
        "gzip": b"\x1f\x8b\x08" + bytes(40),
        "zip": packed({"models/or.h5": sample("or.h5"), "readme.txt": b"x"}),
        "npz": packed({"a.npy": array.getvalue()}),
        "npy": array.getvalue(),
        "torch": packed({"m/data.pkl": b"\x80\x02.", "m/version": b"3"}),
        "ods": packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<a/>"}, 0),
        "xlsx": packed({"[Content_Types].xml": b"<a/>", "xl/workbook.xml": b"<a/>"}),
        "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "safetensors": struct.pack("<Q", len(header)) + header + bytes(4),
        "tflite": struct.pack("<I", 28) + b"TFL3" + bytes(80),
        "matlab": b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x01IM" + bytes(40),
        "pickle": b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94.",
        "onnx": b"\x08\x08\x12\x07pytorch\x1a\x031.8" + bytes(20),
        "graph": b"\x08\x01\x12\xff\x01" + bytes(200),
        "html": b"<!DOCTYPE html>\n<html><body>404</body></html>",
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 17088\n",
        "tfjs": json.dumps({"format": "layers-model", "modelTopology": {}, "weightsManifest": []}).encode(),
        "checkpoint": b'model_checkpoint_path: "cp.ckpt"\n',
        "csv": b"x0,x1,y\n0,1,1\n1,1,1\n",
        "text": b"Not Found\n",
        "json": json.dumps([[0, 1]]).encode(),
        "png": b"\x89PNG\r\n\x1a\n" + bytes(60),
        "hdf5": sample("or.h5"),
        "keras": sample("sine_lstm.keras"),
        "shortened": sample("or.h5")[:8544],
    }
