"""``weightlens show --format csv|json|npy|parquet``: the same facts, exact and machine-readable."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from weightlens.engine.faults import every_fault
from weightlens.errors import BadInput
from weightlens.inputs.indices import parse_slice
from weightlens.model import Model, Weight
from weightlens.terminal.describe import Entry, activation_of, sha256_of
from weightlens.terminal.escape import written_out
from weightlens.terminal.matrices import ranges_of, read_part
from weightlens.terminal.show import Selection, other_arrays, select_layers, selected_arrays

FORMULA_SIGNS = tuple("=+-@\t\r")  # what spreadsheets take for the beginning of a formula


def write_csv(model: Model, file: BinaryIO, wish: Selection) -> None:
    """One matrix as rows of numbers; several matrices as one number per line: layer, weight, index, value."""
    matrices = chosen_matrices(model, wish)
    if len(matrices) == 1:
        values = np.atleast_1d(stored_numbers(matrices[0][1], wish))
        for row in values.reshape(-1, values.shape[-1]) if values.size else ():
            file.write((",".join(map(exact_number, row.tolist())) + "\n").encode())
        return
    file.write(b"matrix,index,value\n")
    for name, weight in matrices:
        cell = csv_cell(name)
        values = stored_numbers(weight, wish)
        for index in np.ndindex(values.shape):
            file.write(f"{cell},{' '.join(map(str, index))},{exact_number(values[index].item())}\n".encode())


def write_npy(model: Model, file: BinaryIO, wish: Selection, several: bool) -> None:
    """One matrix as ``.npy``; with ``several``, all of them as ``.npz``, by name."""
    matrices = chosen_matrices(model, wish)
    if not several:
        if len(matrices) != 1:
            raise BadInput(f"a .npy file holds one matrix, and {len(matrices)} are chosen: pick one with --grep, or write -o FILE.npz")
        np.lib.format.write_array(file, np.ascontiguousarray(stored_numbers(matrices[0][1], wish)), allow_pickle=False)
        return
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, weight in matrices:
            with archive.open(zipfile.ZipInfo(name.replace("\x00", "") + ".npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(stored_numbers(weight, wish)), allow_pickle=False)


def write_parquet(model: Model, file: BinaryIO, wish: Selection) -> None:
    """Every chosen matrix in one table: a row for each number."""
    from weightlens.tables.arrow import write_matrices

    chosen = {}
    for name, weight in chosen_matrices(model, wish):
        shape = tuple(len(r) for r in ranges_of(weight, wish.cut or None) if isinstance(r, range))
        chosen[name] = (shape, weight.dtype, partial(stored_numbers, weight, wish))
    write_matrices(file, chosen)


@np.errstate(all="ignore")  # infinite numbers and NaN of every kind are written too
def write_json(model: Model, file: BinaryIO, wish: Selection) -> None:
    """The model as JSON, its matrices written one by one: memory use does not grow with the model."""
    p = model.provenance
    head = {
        "command": "show", "file": p.path, "format": p.format, "keras_version": p.keras_version, "backend": p.backend, "date": p.date,
        "sha256": sha256_of(p.path, wish.sha256) if p.path else "", "name": model.name, "class_name": model.class_name,
        "parameters": model.size, "notes": model.notes, "faults": list(every_fault(model)), "training": model.training_config,
    }  # fmt: skip
    file.write(to_json(head)[:-1] + b',"layers":[')
    for number, (entry, weights) in enumerate(select_layers(model, wish)):
        file.write(b"," * (number > 0) + to_json(layer_facts(entry))[:-1] + b',"weights":')
        write_list(file, weight_facts(weights.items(), wish))
        file.write(b"}")
    file.write(b"]")
    for title, arrays in other_arrays(model, wish):
        file.write(b',"unplaced":' if title != "optimizer" else b',"optimizer":')
        write_list(file, weight_facts(((weight.path, weight) for weight in arrays), wish))
    file.write(b"}\n")


def layer_facts(entry: Entry) -> dict[str, Any]:
    """A layer without its matrices."""
    layer = entry.layer
    return {
        "name": entry.path, "class_name": layer.class_name, "activation": activation_of(layer), "parameters": layer.size,
        "trainable": layer.trainable, "config": layer.config, "note": layer.note,
    }  # fmt: skip


def weight_facts(weights: Iterable[tuple[str, Weight]], wish: Selection) -> Iterator[dict[str, Any]]:
    """The facts of each matrix, its numbers among them."""
    for name, weight in weights:
        facts: dict[str, Any] = {"name": name, "path": weight.path, "shape": weight.shape, "dtype": weight.dtype, "note": weight.note}
        if wish.stats:
            from weightlens.statistics import statistics

            facts["statistics"] = vars(statistics(weight)) if weight.is_numeric else None
        elif weight.is_numeric:
            values = np.ascontiguousarray(stored_numbers(weight, wish))
            facts["values"] = values.astype(np.float64) if values.dtype.kind == "f" else values  # 17 digits: exactly the stored number
        yield facts


def write_list(file: BinaryIO, items: Iterable[Any]) -> None:
    """A list as JSON, item by item."""
    file.write(b"[")
    for number, item in enumerate(items):
        file.write(b"," * (number > 0) + to_json(item))
    file.write(b"]")


def chosen_matrices(model: Model, wish: Selection) -> list[tuple[str, Weight]]:
    """Every selected matrix of numbers, by ``layer/name``."""
    return [(name, weight) for name, weight in selected_arrays(model, wish) if weight.is_numeric]


def stored_numbers(weight: Weight, wish: Selection) -> np.ndarray:
    """The numbers of a matrix, or the part selected by ``--slice``."""
    return read_part(weight, parse_slice(wish.cut, weight.shape)) if wish.cut else np.asarray(weight.value)


def json_line(command: str, **facts: Any) -> bytes:
    """What a command answers as JSON: one object in one line, its first member the command's name."""
    return to_json({"command": command, **facts}) + b"\n"


def to_json(thing: Any) -> bytes:
    """Data as ASCII JSON; what JSON cannot hold (infinities, lone surrogates, numbers beyond 64 bits) becomes null or text."""
    import orjson

    def other(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.tolist() if value.dtype.kind != "c" else str(value)
        return list(value) if isinstance(value, (set, frozenset)) else str(value)

    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    try:
        text: bytes = orjson.dumps(thing, default=other, option=options)
    except TypeError:
        text = orjson.dumps(json_ready(thing), default=other, option=options)
    if text.isascii() and b"\x7f" not in text:
        return text
    return written_out(text.decode(), lambda c: json.dumps(c)[1:-1] if c != "\x7f" else "\\u007f").encode()


def json_ready(thing: Any) -> Any:
    """Nested data with lone surrogates replaced and huge integers as text."""
    if isinstance(thing, str):
        return thing.encode("utf-8", "replace").decode()
    if isinstance(thing, dict):
        return {json_ready(str(key)): json_ready(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [json_ready(item) for item in thing]
    return str(thing) if isinstance(thing, int) and not isinstance(thing, bool) and abs(thing) >= 2**63 else thing


def exact_number(value: Any) -> str:
    """A number as text that parses to the same number."""
    return repr(value) if isinstance(value, float) else str(value)


def csv_line(cells: Iterable[str]) -> str:
    """A line of text cells."""
    return ",".join(map(csv_cell, cells)) + "\n"


def csv_cell(text: str) -> str:
    """A text cell that is neither a formula to a spreadsheet nor an escape sequence to a terminal."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([written_out(f"'{text}" if text.startswith(FORMULA_SIGNS) else text)])
    return line.getvalue()
