"""What a file is that is not a Keras model, by its bytes, and what to do with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
from h5py import h5a, h5l

from weightlens.formats.hdf5.access import Hdf5File, decode_name, group_links

GZIP = b"\x1f\x8b"
SAVE_AGAIN = "load it where it was made and save it from Keras as .keras or .h5"
KERAS_SUFFIXES = (".h5", ".hdf5", ".hdf", ".keras")
MATLAB = "MATLAB's exportNetworkToTensorFlow turns a network into one that Keras can save"
PYTORCH = "a pickle that would run code when opened: Keras did not write it"
AN_INPUT = "no model: trace, predict and export take it with -i"
TABLE = f"a table of numbers, {AN_INPUT}"

BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\x93NUMPY", f"a NumPy array (.npy), {AN_INPUT}"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: run git lfs pull"),
    (GZIP, "packed with gzip: unpack it first (gunzip, or tar -xzf for a .tar.gz)"),
    (b"BZh", "packed with bzip2: unpack it first (bunzip2)"),
    (b"\xfd7zXZ", "packed with xz: unpack it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd: unpack it first (unzstd)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"MATLAB 7.3", "a MATLAB 7.3 file, not a Keras model: " + MATLAB),
    (b"MATLAB 5", "a MATLAB 5 file, not a Keras model: " + MATLAB),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls, .doc): save it from the spreadsheet program as .xlsx"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", f"a PNG picture, {AN_INPUT}"),
    (b"\xff\xd8\xff", f"a JPEG picture, {AN_INPUT}"),
    (b"GIF8", f"a GIF picture, {AN_INPUT}"),
    (b"PAR1", f"a Parquet table, {AN_INPUT}"),
    (b"GGUF", "a GGUF file (llama.cpp), which Keras does not write"),
    (b"ggml", "a GGML file (llama.cpp), which Keras does not write"),
    (b"model_checkpoint_path", "the list of a TensorFlow checkpoint, not the weights: " + SAVE_AGAIN),
    (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "an old PyTorch file (.pt), " + PYTORCH),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"PK\x05\x06", "an empty zip archive"),
)  # fmt: skip
CHECKPOINT = (
    "a TensorFlow checkpoint, which holds weights without the names of layers: build the model in Keras, "
    "load_weights() from it, and save it as .keras or .h5"
)
MARKS = {  # attributes of the root or of a group in it
    "pandas_type": "a table that pandas wrote (HDF5), not a Keras model: pandas.read_hdf opens it",
    "PYTABLES_FORMAT_VERSION": "an HDF5 file of PyTables or pandas, not a Keras model: pandas.read_hdf opens it",
    "_NCProperties": "a NetCDF file (HDF5), not a Keras model: xarray opens it",
    "encoding-type": "an AnnData file (HDF5), not a Keras model: anndata opens it",
    "MATLAB_class": "a MATLAB 7.3 file (HDF5), not a Keras model",
}
NUMERAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
TAGS = (b"<!doctype html", b"<html", b"<head", b"<script")


def foreign_words(start: bytes, path: Path) -> str:
    """What a file with these first bytes is; empty if unknown, or possibly a model (HDF5, zip archive, JSON)."""
    text = start.lstrip()
    if not start:
        return "an empty file (0 bytes): the copy or the download failed; get it again"
    if found := next((words for magic, words in BEGINNINGS if text.startswith(magic)), ""):
        return found
    if text[:20].lower().startswith(TAGS):
        return "a web page, not a file: the download failed; get it from its direct link"
    if text.startswith(b"<"):
        return "XML or a web page, not a Keras model"
    if is_tar(start):  # before HDF5 is looked for, which may begin where the first member does
        return "a tar archive: unpack it first (tar -xf) and give the model that is in it"
    if h5py.is_hdf5(path):  # it begins later in the file, after a user block
        return ""
    if not start.strip(b"\0"):
        return "a file of zeros: the copy or the download failed; get it again"
    found = next((words for fits, words in STRUCTURES if fits(start, path)), "")
    return found or (
        f"text, not a model; it begins: {' '.join(start[:60].decode('utf-8', 'replace').split())!r}" if is_words(start) else ""
    )


def is_tar(start: bytes) -> bool:
    """Whether it is a tar archive: its magic bytes follow the first name."""
    return start[257:262] == b"ustar"


def is_words(start: bytes) -> bool:
    """Whether it is text."""
    try:
        text = start[: len(start) // 2 * 2].decode("utf-16") if start[:2] in (b"\xff\xfe", b"\xfe\xff") else start.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        text = start[: error.start].decode() if error.start > len(start) - 4 and start[:2] not in (b"\xff\xfe", b"\xfe\xff") else "\0"
    return all(c.isprintable() or c in "\t\r\n\f\ufeff" for c in text)


def is_table(start: bytes, path: Path) -> bool:
    """Whether it is text in rows of numbers."""
    if not is_words(start):
        return False
    lines = [line for line in start.decode("utf-8", "replace").splitlines() if line.strip()][:3]
    cells = [cell.strip().strip('"') for line in lines[1:] or lines for cell in line.replace(";", ",").replace("\t", ",").split(",")]
    return path.suffix.lower() in (".csv", ".tsv") or (
        len(cells) > 1 and sum(NUMERAL.fullmatch(cell) is not None for cell in cells) > len(cells) / 2
    )


PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
STRUCTURES: tuple[tuple[Callable[[bytes, Path], bool], str], ...] = (
    (
        lambda start, path: path.suffix == ".bin" and path.with_name("model.json").is_file(),
        "the weights of a TensorFlow.js model: give the model.json beside it",
    ),
    (
        lambda start, path: start[4:8] == b"TFL3",
        "a TensorFlow Lite model (.tflite), from which Keras's layers are gone: give the Keras model that it was converted from",
    ),
    (  # a length, then JSON of that length
        lambda start, path: start[8:9] == b"{" and 2 <= int.from_bytes(start[:8], "little") <= path.stat().st_size - 8,
        "a safetensors file, which Keras does not write: load it in Keras or Transformers and save it as .keras or .h5",
    ),
    (lambda start, path: start.startswith(PICKLES), "a Python pickle, which would run code when opened: " + SAVE_AGAIN),
    (lambda start, path: path.suffix == ".index" or ".data-0" in path.name, "a part of " + CHECKPOINT),
    (
        lambda start, path: path.suffix == ".pb" or start[:3] == b"\x08\x01\x12",
        "a protocol buffer of TensorFlow (a SavedModel's graph): give the folder that it is in",
    ),
    (  # a protocol buffer that begins with a version and a text
        lambda start, path: path.suffix == ".onnx" or (start[:1] == b"\x08" and start[2:3] == b"\x12" and 3 <= start[1] <= 20),
        "an ONNX model, not a Keras one: give the Keras model that it was converted from",
    ),
    (is_table, TABLE),
)  # fmt: skip


def folder_words(path: Path) -> str:
    """What a folder without a ``config.json`` seems to be."""
    names = sorted(found.name for found in path.iterdir())
    models = [name for name in names if name.endswith(KERAS_SUFFIXES)]
    if saved := sorted(path.glob("*/saved_model.pb")):
        return f"a folder that holds the SavedModel {saved[0].parent.name}: give that folder"
    if "checkpoint" in names or any(name.endswith(".index") for name in names):
        return CHECKPOINT
    hint = f"; it holds {models[0]}: give that" if models else ""
    return f"a folder without config.json, so not a Keras model{hint}"


def archive_words(path: Path, names: list[str]) -> str:
    """What a zip file without a ``config.json`` seems to be, by the names of its members."""
    models = [name for name in names if name.endswith(KERAS_SUFFIXES) and not name.startswith("__MACOSX/")]
    folder = next((name.rpartition("/")[0] for name in names if name.endswith("/config.json")), "")
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return "a workbook, not a model; weightlens import carries its weights back into the model that it was made from"
    if "mimetype" in names and "content.xml" in names:
        return "an OpenDocument file (.ods), not a model; a spreadsheet program saves it as .xlsx"
    if "[Content_Types].xml" in names:
        return "an Office document, not a model"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch model (.pt), " + PYTORCH
    if models:
        more = f" (and {len(models) - 1} more)" if len(models) > 1 else ""
        return f"a zip file that holds {models[0]}{more}: unpack it first (unzip -j {path.name} {models[0]})"
    if folder:
        return f"a zip file that holds the folder of a model, {folder}: unpack it and give that folder"
    if names and all(name.endswith(".npy") for name in names):
        return f"a NumPy archive (.npz) of arrays, {AN_INPUT}"
    return "a zip file without config.json, so not a Keras model"


def json_words(value: Any) -> str:
    """What JSON that is not an architecture seems to be."""
    if isinstance(value, dict) and "weightsManifest" in value:
        return "the weights of a TensorFlow.js model without its architecture (modelTopology)"
    return "JSON, but not the architecture of a Keras model"


def hdf5_words(file: Hdf5File) -> str:
    """What an HDF5 file without any of Keras's names seems to be."""
    root = file.group("")
    inside = [file.group(decode_name(name)) for name, kind, _ in group_links(root) if kind == h5l.TYPE_HARD] if root is not None else []
    marks = {name for group in [root, *inside] if group is not None for name in MARKS if h5a.exists(group, name.encode())}
    return next((words for name, words in MARKS.items() if name in marks), "an HDF5 file of arrays, not a Keras model")
