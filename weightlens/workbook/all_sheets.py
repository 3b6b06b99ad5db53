"""All sheets of a network's workbook, one after the other; their formulas are made while the rows are written.

Layers that only move numbers have no sheet of their own: they stand on the sheet of the layer that reads them.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from weightlens.engine.binding import bind
from weightlens.engine.forward import record, trace
from weightlens.engine.output_shapes import numbers_of_weights
from weightlens.errors import BadInput, NoFormula
from weightlens.inputs.answers import labels_of, refuse_labels
from weightlens.inputs.defaults import default_inputs, default_words
from weightlens.model import Layer, Model, Weight
from weightlens.recording import Recorded, Step, Trace
from weightlens.recording.calls import operation
from weightlens.recording.graph import expression, named_operands
from weightlens.recording.trace import by_layer
from weightlens.specs.sizes import tuple_text
from weightlens.specs.words.number_words import counted
from weightlens.words.layer_words import call_words, sentence
from weightlens.workbook.drawing import hidden_space, network_sheet
from weightlens.workbook.export_options import Options
from weightlens.workbook.formulas.promote import fuse
from weightlens.workbook.layout.blanks import is_whole
from weightlens.workbook.layout.plan import MAX_CELLS, Plan, refuse_too_many
from weightlens.workbook.neuron.neuron_sheet import neuron_sheets
from weightlens.workbook.sheets import controls, exercise, maps
from weightlens.workbook.sheets import samples_sheet as samples
from weightlens.workbook.sheets.cells_sheet import write_cells
from weightlens.workbook.sheets.check_sheet import write_check
from weightlens.workbook.sheets.frame import HEAD, frame
from weightlens.workbook.sheets.layer_sheet import inputs_sheet, layer_sheet, name_outputs
from weightlens.workbook.sheets.network import Drawn, NetworkSheets
from weightlens.workbook.sheets.parts.directions import directions
from weightlens.workbook.sheets.parts.room import columns
from weightlens.workbook.sheets.summary import HINT, write_summary
from weightlens.workbook.sheets.tutorial import tutorial
from weightlens.workbook.xlsx.book import Sheet
from weightlens.workbook.xlsx.styles import Styles

MOST_STEPS = 3_000_000  # cells; with more, ``auto`` fuses the steps of each layer
MOVED = {np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze, np.repeat}


def build(model: Model, inputs: Any, options: Options, styles: Styles, verified: str = "", printed: bool = False) -> NetworkSheets:
    """All sheets with all that stands on them.

    ``verified`` says which spreadsheet program recalculated the workbook; ``printed``: only what is printed of an exercise is shown.
    """
    bare = options.detail == "weights"
    styles.whole = not bare and is_whole(model)
    net = bare_network(model, options, styles) if bare else traced_network(model, inputs, options, styles)
    net = replace(net, printed=printed)
    write_sheets(net, verified)
    return net


def write_sheets(net: NetworkSheets, verified: str = "") -> None:
    """The sheets of a network, after those that its book has already."""
    bare = net.detail == "weights"
    front = net.plan.sheet("Summary", net.title, hint="The matrices in the file." if bare else HINT)
    drawing = None if bare else network_sheet.empty_sheet(net)
    drawn = Drawn(matrices(net)) if bare else network(net, verified)
    if drawing is not None:
        network_sheet.draw(net, drawing, drawn)
    write_summary(net, front, drawn.homes)
    write_cells(net)
    frame(net.plan, net.styles)


def bare_network(model: Model, options: Options, styles: Styles) -> NetworkSheets:
    """A workbook of matrices: nothing is computed."""
    why = "a workbook of matrices alone has no steps; it is what --detail weights asks for, or all that a file without architecture has"
    options.refuse(("exercise", "blank", "switch", "neuron"), why)
    return NetworkSheets(model, Plan(Trace(), one_sheet=False), styles, options, "weights")


def matrices(net: NetworkSheets) -> dict[str, Sheet]:
    """A sheet for each layer that has weights, with nothing but those; also for layers and files that cannot be computed."""
    groups: list[tuple[str, Layer | None, dict[str, Weight]]] = [
        (layer.name, layer, layer.weights) for layer in net.model.layers if layer.weights
    ]
    if net.model.unplaced:
        groups.append(("unplaced", None, {weight.name or weight.path: weight for weight in net.model.unplaced}))
    return {name: matrix_sheet(net, name, layer, weights) for name, layer, weights in groups}


def matrix_sheet(net: NetworkSheets, name: str, layer: Layer | None, weights: dict[str, Weight]) -> Sheet:
    """The matrices of one layer under each other."""
    heading = f"{name}: {call_words(layer)}" if layer is not None else "Matrices that belong to no known layer"
    sheet = net.plan.sheet(name, heading, hint=sentence(layer) if layer is not None else "", numbered=True)
    row = HEAD
    for key, weight in weights.items():
        value = weight.value
        if value.dtype.kind not in "fiub" or not value.size:
            sheet.write(row, 1, f"{key} {tuple_text(weight.shape)}: {weight.dtype}, not numbers that a sheet can show", net.styles["hint"])
            row += 2
            continue
        placed = net.plan.place_weight(Recorded.given(value, "weight", key, name, weight))
        columns(sheet, 1, placed.block.arrangement, value)
        row = net.put_weight(sheet, placed, row, 1) + 2
    net.finish(sheet, 2)
    return sheet


def traced_network(model: Model, inputs: Any, options: Options, styles: Styles) -> NetworkSheets:
    """The forward pass recorded on the inputs, or on the first of many; every value with its arrangement."""
    arrays = bind(model, default_inputs(model) if inputs is None else inputs)
    if model.size > MAX_CELLS:  # known before anything is computed
        refuse_too_many(numbers_of_weights(model, [x.shape[1:] for x in arrays]))
    recorded = record(model, samples.samples_shown(model, arrays))
    refuse_text(recorded)
    detail = options.detail
    if detail == "auto":
        detail = "steps" if sum(step.made.size for step in recorded.steps) <= MOST_STEPS else "layers"
    if not options.labels:  # those that the model's file has for one of its outputs
        known = (labels_of(model, y.shape[-1]) for y in recorded.results if y.ndim)
        options = replace(options, labels=next((tuple(labels) for labels in known if labels), ()))
    recorded, occurrences = fuse(recorded) if detail == "layers" else (recorded, None)
    made_up = default_words(model) if inputs is None else ""
    return NetworkSheets(model, Plan(recorded, whole=occurrences is None), styles, options, detail, arrays, made_up, occurrences)


def refuse_text(recorded: Trace) -> None:
    """Words may be typed in, cut and compared; a network that answers in words has no formula that works alike in all spreadsheets."""
    for value in recorded.results:
        if value.dtype.kind in "USO" and value.op is not None:
            raise NoFormula(
                value.layer, f"text in {value.name}", "answers in words, for which there is no formula that every spreadsheet computes"
            )


def network(net: NetworkSheets, verified: str) -> Drawn:
    """The sheets of the network, and what was asked for besides."""
    check_labels(net)
    exercise.check_names(net)
    drawn = tutorial(net) if net.plan.one_sheet else sheets_of_layers(net)
    blanks = exercise.leave_blank(net)
    name_outputs(net)
    if net.many_samples:
        drawn = samples.pick_from(net, drawn)
    if net.options.target is not None and not drawn.targets:
        given = len(net.options.target)
        raise BadInput(f"{counted(given, 'true answer')} given, but there is no single output with as many rows to compare them with")
    if net.printed:
        from weightlens.workbook.exercises.printed import show_answers

        exercise.check_amount(blanks)
        controls.only_numbers(net)
        show_answers(net, blanks)
        return drawn
    if net.options.blanks:
        from weightlens.workbook.exercises.in_words import add_words, hints_sheet

        allowed = exercise.add_score(net, blanks)
        add_words(net, blanks, trace(net.model, samples.samples_shown(net.model, list(net.arrays))), allowed)
        hints_sheet(net, blanks)
    if net.options.switch:
        controls.add_switch(net)
    run = maps.draw(net, drawn.targets)
    if run is not None:
        hidden_space.draw_units(net, run)
        hidden_space.draw(net, drawn)
    neuron_sheets(net)
    write_check(net, verified)
    if net.options.blanks:
        exercise.hide_answers(net)
    controls.only_numbers(net)
    return drawn


def sheets_of_layers(net: NetworkSheets) -> Drawn:
    """One sheet for the inputs and one per layer that computes something."""
    inputs_sheet(net)
    drawn, both = Drawn(), directions(net.plan)
    owner = {path: around for around, inner in both.items() for path in inner}
    home = {path: owner.get(where, where) for path, where in homes(net.plan.steps, net.results).items()}
    for layer in dict.fromkeys(home.values()):
        inner = both.get(layer, [])
        movers = [path for path, where in home.items() if where == layer and path not in (layer, *inner)]
        drawn = layer_sheet(net, layer, movers, inner, drawn)
    return drawn


def check_labels(net: NetworkSheets) -> None:
    """Refuse class labels that no output has as many units for."""
    refuse_labels(len(net.options.labels), [x.shape for x in net.plan.trace.results])


def first_look(net: NetworkSheets) -> int:
    """The sheet that is open at first: a network on one sheet shows itself, others their map."""
    return net.plan.names["input_0"][0] if net.plan.one_sheet and "input_0" in net.plan.names else 0


def homes(steps: Sequence[Step], results: frozenset[int]) -> dict[str, str]:
    """The layer on whose sheet each layer stands: its own, or for one that only moves numbers the first that reads them."""
    own = by_layer(steps)
    movers = {path for path, made in own.items() if all(moves(step) and id(step.made) not in results for step in made)}
    readers = first_readers(steps, movers) if movers else {}
    found: dict[str, str] = {}
    for path in reversed(own):
        reader = readers.get(path, path)
        found[path] = found.get(reader, path)
    return {path: found[path] for path in own}


def first_readers(steps: Sequence[Step], paths: Container[str]) -> dict[str, str]:
    """For each of these layers, the first other layer that reads it."""
    made = {id(step.made): step.layer for step in steps if step.layer in paths}
    found: dict[str, str] = {}
    for step in steps:
        for x in named_operands(step.made):
            if made.get(id(x), step.layer) != step.layer:
                found.setdefault(made[id(x)], step.layer)
    return found


def moves(step: Step) -> bool:
    """Whether a step has the numbers of another one in another shape or order, and nothing else."""
    return operation(step.made) in MOVED and all(operation(x) in MOVED for x in expression(step.made))
