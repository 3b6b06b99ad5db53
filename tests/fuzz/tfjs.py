"""TensorFlow.js models whose ``model.json`` and shards lie or are damaged, in a folder or in a zip."""

from __future__ import annotations

import json
from random import Random

import numpy as np

from tests.formats.build import dense, given, layer, sequential
from tests.formats.tfjs.build import group, listed, model_json
from tests.fuzz.archives import packed, retyped
from tests.fuzz.case import Case, read_files
from tests.fuzz.damage import damaged

Files = dict[str, bytes]
DTYPES = ("float32", "int32", "bool", "string", "complex64", "uint8", "float16", "", None, 3)
SHAPES = ([], [0], [2**31, 2**31], [-1, -8], [1] * 40, [2.0, 4], [True], None, "8", [0, 2**63], [8], [4, 2])
PATHS = ("../or.h5", "/dev/zero", "model.json", "or.h5", "", ".", "w\0", "w" * 5000, "a/b", 3, None, "group2-shard1of1.bin")
NUMBERS = (0, -1, 1e308, float("nan"), float("inf"), 2**70, None, "1", [])


def make(chance: Random) -> Case:
    """One model with something wrong with it."""
    way = chance.choice([text, configuration, configuration, manifest, manifest, manifest, shards])
    files, word = way(dict(good()), chance)
    name = "model.json"
    if chance.random() < 0.3:
        archive, name = packed(files, chance.choice([0, 8])), "m.zip"
        if chance.random() < 0.2:
            archive, more = damaged(archive, chance)
            word += f", zip: {more}"
        files = {name: archive}
    return read_files(chance, name, files, f"{way.__name__}: {word}")


def good() -> Files:
    """A small model as TensorFlow.js writes it, with two groups and a quantised weight."""
    values = np.linspace(-1, 1, 24, dtype=np.float32)
    lstm = {"both/forward_l/kernel": values[:8].reshape(1, 8), "both/forward_l/recurrent_kernel": values[:16].reshape(2, 8),
            "both/forward_l/bias": values[:8]}  # fmt: skip
    backward = {name.replace("forward", "backward"): array for name, array in lstm.items()}
    first, files = group(lstm | backward, 40, 64)
    kernel = listed(
        "d/kernel", values[:8].reshape(4, 2), quantization={"dtype": "uint8", "scale": 0.01, "min": -1, "original_dtype": "float32"}
    )
    second, more = group({"d/bias": values[:2]}, stem="group2")
    second["weights"].insert(0, kernel)
    name = second["paths"][0]
    both = layer("Bidirectional", "both", layer=layer("LSTM", "l", units=2, recurrent_activation="sigmoid"), merge_mode="concat")
    topology = sequential(given("i", 2, 1), both, dense("d", 2, activation="softmax"))
    written = model_json({**topology, "keras_version": "tfjs-layers 4.22.0"}, [first, second])
    return {"model.json": written, **files, name: bytes(range(8)) + more[name], "metadata.json": b'{"labels": ["no", "yes"]}'}


def text(files: Files, chance: Random) -> tuple[Files, str]:
    """The bytes of one of the JSON files changed, or nested deep."""
    name = chance.choice(["model.json", "model.json", "metadata.json"])
    if chance.random() < 0.1:
        return files | {name: b'{"modelTopology":' * chance.choice([3, 900, 10**5])}, f"{name} deep"
    data, word = damaged(files[name], chance)
    return files | {name: data}, f"{name}: {word}"


def configuration(files: Files, chance: Random) -> tuple[Files, str]:
    """One value of the model.json of another kind."""
    data, word = retyped(files["model.json"], chance)
    return files | {"model.json": data}, word


def manifest(files: Files, chance: Random) -> tuple[Files, str]:
    """A lie in the list of the weights."""
    said = json.loads(files["model.json"])
    entry = chance.choice(said["weightsManifest"])
    weight = chance.choice(entry["weights"])
    key = chance.choice(["shape", "dtype", "name", "paths", "quantization", "scale", "min", "swap", "drop", "double", "group"])
    lie: object = chance.choice(PATHS)
    if key in ("shape", "dtype"):
        weight[key] = lie = chance.choice(SHAPES if key == "shape" else DTYPES)
    elif key == "name":
        weight[key] = lie = chance.choice(["both", "d/kernel", "", None, "x/y", "d/bias/", "/", "\x1b[2J/kernel", "both/both/both"])
    elif key == "paths":
        entry["paths"] = chance.choice([[lie], [*entry["paths"], lie], entry["paths"] * 2, entry["paths"][::-1], lie])
    elif key in ("quantization", "scale", "min"):
        numbers = {"dtype": chance.choice(["uint8", "uint16", "float16", "int4"]), "scale": 0.5, "min": 0}
        weight["quantization"] = numbers | ({} if key == "quantization" else {key: chance.choice(NUMBERS)})
        lie = weight["quantization"]
    elif key in ("swap", "drop", "double"):
        other = entry["weights"].pop(chance.randrange(len(entry["weights"])))
        lie = other["name"]
        entry["weights"] += [] if key == "drop" else [other] if key == "swap" else [other, other]
    else:
        said["weightsManifest"] = lie = chance.choice([None, {}, [None], [[]], said["weightsManifest"][::-1], said["weightsManifest"] * 2])
    return files | {"model.json": json.dumps(said).encode()}, f"{key} = {str(lie)[:60]}"


def shards(files: Files, chance: Random) -> tuple[Files, str]:
    """Shards left out, cut, lengthened, exchanged or damaged."""
    one, other = chance.sample([name for name in files if name.endswith(".bin")], 2)
    way = chance.choice(["drop", "cut", "longer", "exchange", "damage", "empty"])
    if way == "drop":
        del files[one]
    elif way == "exchange":
        files[one], files[other] = files[other], files[one]
    elif way == "damage":
        files[one], _ = damaged(files[one], chance)
    else:
        files[one] = {"cut": files[one][:-1], "longer": files[one] + b"\0", "empty": b""}[way]
    return files, f"{way} {one}"
