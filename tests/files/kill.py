"""Kill every command that writes, at random times, and look at what is left: ``python -m tests.files.kill 1000``.

Each command runs in a fork of a process that has everything imported, so that most of the kills fall into its own work.
The target has to be absent, the old file, or the complete new one; and the next write leaves nothing of the killed ones.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.formats.build import archive, dense, given, numbered, numbers, sequential
from tests.tiny import write_tiny
from weightlens.cli.main import main

OLD = b"what was there before"


def commands(folder: Path) -> dict[str, list[str]]:
    """The arguments of every command that writes, by the name of what it writes, with the files that they read."""
    model, keras = str(write_tiny(folder / "tiny.h5")), str(folder / "tiny.keras")
    layers = sequential(given("x", 2, key="batch_shape"), dense("a", 40), dense("b", 2))
    weights = numbered("layers/dense", numbers(2, 40), numbers(40)) | numbered("layers/dense_1", numbers(40, 2), numbers(2))
    archive(folder / "tiny.keras", layers, weights, compress=True)
    (folder / "data.csv").write_text("a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,1\n")
    (folder / "rows.csv").write_text("0,1\n" * 2000)
    for source, book in ((model, "book.xlsx"), (keras, "book2.xlsx")):
        quietly(["export", source, "-o", str(folder / book)])
    training = ["-i", str(folder / "data.csv"), "--target", "y,y"]
    return {
        "show.txt": ["show", model],
        "stats.txt": ["show", keras, "--stats"],
        "tree.txt": ["show", model, "--tree"],
        "show.csv": ["show", keras, "--format", "csv"],
        "show.json": ["show", keras, "--format", "json"],
        "show.npz": ["show", keras, "--format", "npy"],
        "trace.txt": ["trace", model],
        "trace.json": ["trace", keras, "--format", "json"],
        "predict.csv": ["predict", keras, "-i", str(folder / "rows.csv")],
        "diff.txt": ["diff", model, keras],
        "diff.json": ["diff", model, model, "--format", "json"],
        "export.xlsx": ["export", keras],
        "weights.xlsx": ["export", keras, "--detail", "weights"],
        "train.xlsx": ["train-sheet", model, *training, "--epochs", "20", "--loss", "mse"],
        "fit.h5": ["fit", model, *training, "--epochs", "20", "--loss", "mse"],
        "fit.keras": ["fit", keras, *training, "--epochs", "20", "--loss", "mse"],
        "import.h5": ["import", str(folder / "book.xlsx"), model],
        "import.keras": ["import", str(folder / "book2.xlsx"), keras],
    }


def quietly(arguments: list[str]) -> int:
    """Run a command in this process without its words."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):  # noqa: PTH123
        return main(arguments)


def forked(arguments: list[str]) -> int:
    """Run a command in a fork of this process; gives its number."""
    child = os.fork()
    if not child:
        code = 70
        try:
            code = quietly(arguments)
        finally:
            os._exit(code)
    return child


def killed(arguments: list[str], seconds: float) -> bool:
    """Run a command in a fork and kill it after a while; whether it was still running."""
    child = forked(arguments)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def complete(target: Path, arguments: list[str]) -> tuple[bytes, float]:
    """What a command writes when nobody stops it, and how long that takes."""
    began = time.perf_counter()
    code = os.waitstatus_to_exitcode(os.waitpid(forked([*arguments, "-o", str(target)]), 0)[1])
    assert code in (0, 1), f"{target.name}: exit code {code}"
    return target.read_bytes(), time.perf_counter() - began


def run(kills: int, seed: int = 0) -> Counter[str]:
    """Kill that many commands; counts what was left at the target, and the parts beside it."""
    chance, counts = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        inputs, outputs = Path(scratch) / "in", Path(scratch) / "out"
        inputs.mkdir()
        outputs.mkdir()
        wanted = commands(inputs)
        for name, arguments in wanted.items():  # once in this process, to import what it needs
            assert quietly([*arguments, "-o", str(inputs / f"first-{name}")]) in (0, 1), name
        whole = {name: complete(inputs / f"whole-{name}", arguments) for name, arguments in wanted.items()}
        before = {path: path.read_bytes() for path in inputs.iterdir()}
        for number in range(kills):
            name = list(wanted)[number % len(wanted)]
            target, force = outputs / name, chance.random() < 0.5
            target.unlink(missing_ok=True)
            if force:
                target.write_bytes(OLD)
            running = killed([*wanted[name], "-o", str(target), *["--force"] * force], chance.uniform(0, 2) * whole[name][1])
            left = target.read_bytes() if target.exists() else b""
            state = "complete" if left == whole[name][0] else "old" if force and left == OLD else "absent"
            assert state != "absent" or not (force or target.exists()), f"{name}: {len(left)} bytes are neither the old nor the new file"
            counts[f"{state}, {'killed' if running else 'ended before'}"] += 1
            counts["parts seen"] += sum(path.name.endswith(".part") for path in outputs.iterdir())
        assert quietly(["show", str(inputs / "tiny.h5"), "-o", str(outputs / "last.txt")]) == 0
        rest = {path.name for path in outputs.iterdir()} - {*wanted, "last.txt"}
        assert not rest, f"left behind: {rest}"
        assert {path: path.read_bytes() for path in inputs.iterdir()} == before, "an input was changed"
    return counts


if __name__ == "__main__":
    for words, count in sorted(run(int(sys.argv[1]) if len(sys.argv) > 1 else 1000).items()):
        print(f"{count:6}  {words}")
