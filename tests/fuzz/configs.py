"""Configurations with one value changed: each has to be computed or refused in one line that names the layer.

    python -m tests.fuzz.configs FOLDER [COUNT] [SEED]

``FOLDER`` holds ``.keras`` files; each round takes one, changes a value of its ``config.json``, then shows and computes the model.
"""

from __future__ import annotations

import collections
import io
import json
import random
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import weightlens
from weightlens.errors import WeightlensError

JUNK: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 7, -5, 2**31, 10**30, -(10**30), 10**400, 0.5, -2.5, 1e308, float("nan"), float("inf"), "",
    "8", "weird", "x", "channels_first", "same", "relu", [], [1], [0, 0], [-1, 2], [1, 2, 3], [[1, 1], [1, 1]],
    ["a"], [None], [[[]]], {}, {"a": 1},
    {"class_name": "Dense"}, {"class_name": "Dense", "config": {"units": 2}}, {"class_name": "__tuple__", "items": [1, "a"]},
    {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "float32"}}, [[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]],
)  # fmt: skip
LEFT_ALONE = frozenset({"name", "module", "registered_name", "build_config", "class_name", "inbound_nodes"})


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a configuration that may be changed."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        if key not in LEFT_ALONE and not str(key).endswith(("_initializer", "_regularizer", "_constraint")):
            yield (*path, key)
            yield from places(item, (*path, key))


def mutated(entry: dict[str, Any], rng: random.Random) -> tuple[dict[str, Any], str]:
    """The architecture with one value of one layer changed, removed or added, and what was done."""
    changed = json.loads(json.dumps(entry))
    layer = rng.choice(changed["config"]["layers"])
    config = layer["config"]
    found = list(places(config))
    if not found or rng.random() < 0.05:
        config["temperature"] = rng.choice(JUNK)
        return changed, f"{layer['class_name']}: temperature added"
    *way, last = rng.choice(found)
    holder = config
    for key in way:
        holder = holder[key]
    if rng.random() < 0.1:
        del holder[last]
        return changed, f"{layer['class_name']}: {'/'.join(map(str, (*way, last)))} removed"
    holder[last] = rng.choice(JUNK)
    return changed, f"{layer['class_name']}: {'/'.join(map(str, (*way, last)))} = {str(holder[last])[:40]}"


def verdict(folder: Path) -> str:
    """``computed``, ``refused``, ``vague`` (refused, but the reader did not know why), or ``fault: ...``."""
    from weightlens.engine.output_shapes import refuse_explosion
    from weightlens.inputs.defaults import default_inputs
    from weightlens.terminal import Screen
    from weightlens.terminal.show import Selection, show

    try:
        model = weightlens.load(folder)
        show(model, Screen(io.StringIO(), colour=False), Selection())
        inputs = default_inputs(model)
        refuse_explosion(model, [x.shape[1:] for x in inputs])
        model.trace(inputs)
    except WeightlensError as refusal:
        lines = str(refusal).splitlines()
        return "vague" if "not a model that can be read" in lines[0] else "refused" if len(lines) == 1 else f"fault: {len(lines)} lines"
    except MemoryError:  # which the command line says in one line
        return "refused"
    except Exception as fault:
        return f"fault: {type(fault).__name__}: {str(fault)[:100]}"
    return "computed"


def unpacked(archive: Path, folder: Path) -> dict[str, Any]:
    """A ``.keras`` file as a folder; gives its architecture."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    entry: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return entry


def fuzz(archives: list[Path], count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """So many changed models: what was changed, and what came of it."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        models = [(folder, unpacked(path, folder)) for number, path in enumerate(archives) if (folder := Path(scratch, str(number)))]
        models = [(folder, entry) for folder, entry in models if isinstance(entry.get("config", {}).get("layers"), list)]
        for _ in range(count):
            folder, entry = rng.choice(models)
            changed, what = mutated(entry, rng)
            (folder / "config.json").write_text(json.dumps(changed))
            yield what, verdict(folder)


def main(folder: str, count: str = "1000", seed: str = "0") -> int:
    """Run by hand; prints each fault and how many came to what."""
    totals: collections.Counter[str] = collections.Counter()
    for what, result in fuzz(sorted(Path(folder).rglob("*.keras")), int(count), int(seed)):
        totals[result.partition(":")[0]] += 1
        if result.startswith(("fault", "vague")):
            print(f"{what}\n    {result}")
    print(dict(totals))
    return int(totals["fault"] > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
