"""The same weights and architecture in another kind of file, which today's Keras opens.

Comes in: a ``Model``, from a file of any kind and version. Goes out: ``.keras``, ``.h5`` or ``.weights.h5`` of Keras 3, or a folder for
TensorFlow.js. What the other kind cannot express is refused. Every file is read again and compared before it appears.
``patching`` writes the same kind of file, with some numbers set by name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from weightlens.errors import BadInput
from weightlens.files import check_output, refuse_standard_output, replacing_several, scratch_folder
from weightlens.model import Model
from weightlens.specs.words.number_words import counted

Writer = Callable[[Model, Path], None]
KINDS = ".keras, .h5 or .weights.h5, or a folder (for TensorFlow.js)"


def convert(model: Model | str | os.PathLike[str], path: str | os.PathLike[str], force: bool = False) -> Path:
    """Write the model as a file of another kind, told by the name of ``path``; returns the path.

    ``.keras``, ``.h5``, ``.weights.h5``, or a folder (``NAME`` or ``NAME/model.json``) for TensorFlow.js. Raises ``BadInput`` if it
    cannot be expressed there; nothing is written then.
    """
    from weightlens.formats import files_of, load
    from weightlens.writers.expressible import expressible
    from weightlens.writers.verify import verify

    out = Path(path)
    given = files_of(model)
    write = check_target(out, force, given)
    loaded = model if isinstance(model, Model) else load(model)
    meant = expressible(loaded)
    with scratch_folder() as scratch:
        made = scratch / ("model" if is_folder(out) else out.name)
        write(meant, made)
        verify(loaded, meant, made)
        written = parts(made)
        targets = [out] if made.is_file() else [folder_of(out) / part.name for part in written]
        with replacing_several(targets, force, given) as files:
            for file, part in zip(files, written, strict=True):
                with part.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
    return out


def check_target(out: Path, force: bool, inputs: list[tuple[str, Path]]) -> Writer:
    """The writer of a kind of file, by its name; a file that cannot be written is refused before any work is done."""
    from weightlens.writers import containers

    refuse_standard_output(out)
    if is_folder(out):
        from weightlens.writers.tfjs import write_tfjs

        folder = folder_of(out)
        if folder.is_dir() and any(path.is_dir() and path.samefile(folder) for _, path in inputs):  # it would hold two models
            raise BadInput(f"{folder}: is the folder of the model itself; name another one")
        return write_tfjs
    name = out.name.lower()
    kinds = {".weights.h5": containers.write_weights, ".h5": containers.write_hdf5, ".hdf5": containers.write_hdf5,
             ".keras": containers.write_keras}  # fmt: skip
    write = next((writer for ending, writer in kinds.items() if name.endswith(ending)), None)
    if write is None:
        raise BadInput(f"{out}: the kind of file is not known by this name: name it {KINDS}")
    check_output(out, force, inputs)
    return write


def is_folder(out: Path) -> bool:
    """Whether a TensorFlow.js model is asked for: by a folder, new or not, or by its ``model.json``."""
    return not out.suffix or out.is_dir() or out.name == "model.json"


def folder_of(out: Path) -> Path:
    """The folder of a TensorFlow.js model that is asked for."""
    return out.parent if out.name == "model.json" else out


def parts(made: Path) -> list[Path]:
    """The files of a written model; of several, the one that names the others first."""
    return [made] if made.is_file() else [made / "model.json", *sorted(path for path in made.iterdir() if path.name != "model.json")]


def left_out(model: Model) -> str:
    """What is in a model's file and not in a converted one, in words; empty if nothing is."""
    optimizer = f"the optimizer's {counted(len(model.optimizer), 'array')}" if model.optimizer else ""
    compiled = "the settings of compile()" if model.training_config else ""
    return " and ".join(part for part in (optimizer, compiled) if part)
