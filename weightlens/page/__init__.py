"""The page: a model as one HTML file that computes itself again, from the same formulas as the workbook.

``plan`` of ``weightlens.workbook`` says how every number is computed; ``program`` writes that down for a small machine in
JavaScript, ``layers_and_blocks`` what is said about it, ``pack`` puts both into one piece, and ``document`` makes the file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlens.errors import WorkbookTooLarge
from weightlens.model import Model

if TYPE_CHECKING:
    from weightlens.workbook.export_options import Options
    from weightlens.workbook.layout.plan import Plan
    from weightlens.workbook.layout.size import Size
    from weightlens.workbook.sheets.network import NetworkSheets

PAGE = (".html", ".htm")
LARGEST = 64_000_000  # bytes of a file that a browser opens without delay
MOST_SAMPLES = 8 << 20  # bytes of samples to pick from


def export(
    model: Model,
    path: str | os.PathLike[str],
    inputs: Any = None,
    *,
    labels: Sequence[str] = (),
    input_labels: Sequence[str] = (),
    detail: str = "auto",
    force: bool = True,
) -> Path:
    """Write the page; returns its path. The options are those of ``weightlens.workbook.export``; nothing is written where that raises."""
    from weightlens.files import replacing
    from weightlens.formats import files_of

    out = Path(path)
    with replacing(out, force, files_of(model), PAGE) as file:
        file.write(html(model, inputs, labels=labels, input_labels=input_labels, detail=detail).encode())
    return out


class Frame:
    """A page in a notebook (VS Code, JupyterLab, Colab): a frame that holds all of it and asks for nothing else.

    ``html`` is the page itself. The options are those of ``export``; ``height`` is that of the frame, in pixels.
    """

    def __init__(self, model: Model, inputs: Any = None, height: int = 760, **options: Any) -> None:
        self.html, self.height = html(model, inputs, **options), height

    def _repr_html_(self) -> str:
        from html import escape

        allowed = 'sandbox="allow-scripts allow-downloads" title="weightlens"'
        return f'<iframe srcdoc="{escape(self.html)}" {allowed} style="width:100%;height:{self.height}px;border:0"></iframe>'


def html(model: Model, inputs: Any = None, *, labels: Sequence[str] = (), input_labels: Sequence[str] = (), detail: str = "auto") -> str:
    """The page as a text. Raises ``UnsupportedLayer``, ``NoFormula``, ``WorkbookTooLarge`` or ``BadInput``."""
    from weightlens.page.document import page
    from weightlens.workbook.export_options import Options

    title = Path(model.provenance.path).name or model.name
    options = Options(tuple(labels), tuple(input_labels), "steps" if detail == "auto" else detail)
    data = packed(model, inputs, options)
    made = page(title, data)
    refuse_large(len(made))
    return made


def measure(size: Size) -> str:
    """What the page of a network would be whose workbook has this size, in one line; nothing is written.

    Measured on pages: the first blocks say more than those after them.
    """
    from weightlens.page.document import page
    from weightlens.page.pack import MOST_SUMS
    from weightlens.workbook.layout.size import bytes_text

    said = 150 * min(size.blocks, 40) + 45 * max(size.blocks - 40, 0)
    data = said + size.given + size.bytes_of_computed * min(1, MOST_SUMS / max(1, size.computed))
    total = int(len(page("", "")) + data * 4 / 3)
    try:
        refuse_large(total)
    except WorkbookTooLarge as refusal:
        return f"as a page (-o model.html): {refusal}"
    return f"as a page (-o model.html): about {bytes_text(total)}"


def refuse_large(size: int) -> None:
    """Refuse a file that no browser opens gladly, and say what would fit."""
    if size > LARGEST:
        raise WorkbookTooLarge(
            f"the page would have {size / 1e6:,.0f} MB, and a browser takes {LARGEST / 1e6:.0f} MB; "
            "try one sample, or --layers A..B for a part of the network"
        )


def packed(model: Model, inputs: Any, options: Options) -> str:
    """The data of the page."""
    from weightlens.page import layers_and_blocks, pack
    from weightlens.page.program import Writer
    from weightlens.workbook.sheets.play import made_up

    network = planned(model, inputs, options)
    plan = network.plan
    refuse_large(4 * sum(placed.made.size for placed in plan.placed.values() if placed.kind == "weight"))
    program = Writer(plan).write()
    names = layers_and_blocks.unique_names(program)
    layers = layers_and_blocks.layers(plan.trace, program, made_up(network))
    number = {layer["path"]: i for i, layer in enumerate(layers)}
    along = layers_and_blocks.input_axes(plan.trace)
    blocks = [layers_and_blocks.block(program, k, plan.trace, number, names, along) for k in range(len(program.placed))]
    block_of = {id(placed.made): k for k, placed in enumerate(program.placed)}
    source = model.provenance
    head = {
        "title": network.title,
        "model": {"format": source.format, "keras": source.keras_version, "parameters": model.size},
        "labels": list(network.options.labels),
        "inputLabels": list(network.options.input_labels),
        "layers": layers,
        "blocks": blocks,
        "size": program.size,
        "patterns": list(program.patterns),
        "runs": [(found.levels, found.rest) for found in program.runs],
        "outputs": [{"name": name, "block": block_of[id(x)]} for x, name in zip(plan.trace.results, plan.trace.output_names, strict=True)],
    }
    made = pack.Pack(head)
    pack.numbers(made, program, blocks)
    head["samples"] = samples(made, plan, network.arrays)
    return made.base64()


def planned(model: Model, inputs: Any, options: Options) -> NetworkSheets:
    """The network of a workbook before anything of it stands on a sheet; or nothing but its matrices."""
    from weightlens.workbook import all_sheets
    from weightlens.workbook.xlsx.styles import Styles

    styles = Styles()
    if options.detail == "weights":
        network = all_sheets.bare_network(model, options, styles)
        all_sheets.matrices(network)
    else:
        network = all_sheets.traced_network(model, inputs, options, styles)
        all_sheets.check_labels(network)
    return network


def samples(made: Any, plan: Plan, arrays: Sequence[np.ndarray]) -> dict[str, Any] | None:
    """The samples to pick from, where more were given than are shown."""
    shown = plan.trace.inputs
    if not arrays or any(x.dtype.kind == "U" for x in arrays) or len(arrays[0]) <= shown[0].shape[0]:
        return None
    kept = min(len(arrays[0]), max(1, MOST_SAMPLES // (8 * sum(x[0].size for x in arrays))))
    return {"count": kept, "of": len(arrays[0]), "inputs": [made.add(x[:kept]) for x in arrays]}
