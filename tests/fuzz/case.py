"""What one try is: files, and a command that reads them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = REPOSITORY / "sample_models"


@dataclass(frozen=True)
class Case:
    """Files by name, the command that is given them, and what was done to them, in words."""

    files: dict[str, bytes]
    command: tuple[str, ...]
    damage: str = ""
    may_differ: bool = field(default=False)  # whether exit code 1 (a difference was found) is an answer


Maker = Callable[[Random], Case]


def model_command(chance: Random, name: str) -> tuple[str, ...]:
    """One of the commands that read a model; ``or.h5`` stands beside it."""
    return chance.choice(
        [
            ("show", name),
            ("show", name, "--tree"),
            ("show", name, "--tree", "--full"),
            ("show", name, "--stats", "--optimizer"),
            ("show", name, "--format", "json"),
            ("trace", name, "-i", "0,1"),
            ("trace", name),
            ("predict", name, "-i", "0,1;1,1"),
            ("export", name, "-o", "out.xlsx", "--force"),
            ("diff", "or.h5", name),
            ("show", "or.h5", "--config", name),
        ]
    )


def read_model(chance: Random, name: str, data: bytes, damage: str) -> Case:
    """A model file under one of these commands."""
    return read_files(chance, name, {name: data}, damage)


def read_files(chance: Random, name: str, files: dict[str, bytes], damage: str) -> Case:
    """A model in several files under one of these commands, which get the name of one of them or of their folder."""
    command = model_command(chance, name)
    return Case({"or.h5": sample("or.h5"), **files}, command, damage, command[0] == "diff")


def sample(name: str) -> bytes:
    """The bytes of a sample model or of what lies beside it."""
    return (SAMPLES / name).read_bytes()


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    """What a function writes."""
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()
