"""A calculation by hand compared with the forward pass: the first step that differs, by how much, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from weightlens.checks.by_hand import book_claims
from weightlens.checks.by_hand.claims import Claims, OutputRows, read_csv
from weightlens.checks.by_hand.explain import Explainer, Explanation, element_label
from weightlens.checks.by_hand.hand_report import HandReport, row_of, whole_is_meant
from weightlens.checks.by_hand.mistakes.mistake import multiply_by
from weightlens.checks.by_hand.output_rows import rows_of_outputs
from weightlens.checks.by_hand.placing import Given, place_claims
from weightlens.checks.by_hand.replay import Edits, Replay, change_by, replace_by
from weightlens.checks.by_hand.scene import Scene
from weightlens.checks.by_hand.trials import pin_given_numbers
from weightlens.engine.forward import trace
from weightlens.errors import BadInput
from weightlens.inputs.defaults import default_inputs
from weightlens.model import Model
from weightlens.recording import Recorded, Trace
from weightlens.spreadsheet.cell_values import Book
from weightlens.spreadsheet.cells_map import MAP, read_map
from weightlens.words.worked import arithmetic

TRIES = 4  # calculations
TIMES = 20.0  # what may be off, in units of the farthest of them
SMALL = 1e-5  # the most, in units of the largest number of a value,
AT_LEAST = 4.0  # but no less than so many times the farthest: a network may enlarge the error of rounding without limit
ONE_STEP = 2.0**-23  # from a float32 number to the next, in units of the number
CANCELLED = 1e-5  # what Keras's float32 leaves uncertain of Adam's step size, in units of it: 1 - 0.999 is 0.00099998 there


def check_by_hand(
    model: Model, inputs: object, given: str | Path | Claims | OutputRows, ranges: Sequence[str] = (), steps: Sequence[str] = ()
) -> HandReport:
    """Compare a calculation by hand with the model's, step by step, and explain the first step that differs.

    ``given``: a .csv, ``-`` for typed lines, claims, or a workbook: one that weightlens wrote, or any other with
    ``ranges`` (``Sheet1!G3:H6``) and the ``steps`` they hold. Without ``inputs`` those of the workbook are taken.
    """
    if isinstance(given, (str, Path)) and Path(given).suffix.lower() in (".xlsx", ".xlsm"):
        book = book_claims.read_computed_book(Path(given))
        if ranges or steps or MAP in book.sheets:
            return check_book(model, inputs, book, ranges, steps)
        return check_claims(record_scene(model, inputs), book_claims.claims_in_own_book(book))
    if isinstance(given, (str, Path)) and Path(given).suffix.lower() == ".ods":
        return check_claims(record_scene(model, inputs), book_claims.claims_in_ods(Path(given)))
    return check_claims(record_scene(model, inputs), read_csv(str(given)) if isinstance(given, (str, Path)) else given)


def check_training_by_hand(recorded: Trace, given: str) -> HandReport:
    """Compare a calculation of one step of a training, forward and backward; ``given``: a .csv, or ``-`` for typed lines."""
    return check_claims(Scene(recorded, Replay(recorded)), read_csv(given))


def check_claims(scene: Scene, claims: Claims | OutputRows) -> HandReport:
    """Compare what a person says of a recorded calculation."""
    placed = rows_of_outputs(claims, scene.trace) if isinstance(claims, OutputRows) else place_claims(claims, scene.trace)
    report = compare_with_trace(claims.source, scene, placed.givens)
    if placed.unknown and report.ok:
        raise BadInput(placed.unknown[0])
    return replace(report, notes=[*placed.notes, *report.notes, *placed.unknown[:3]])


def check_book(model: Model, inputs: object, book: Book, ranges: Sequence[str], steps: Sequence[str]) -> HandReport:
    """Compare the numbers in ranges of a workbook, or in one that weightlens wrote."""
    if ranges or steps:
        scene = record_scene(model, inputs)
        return compare_with_trace(book.path.name, scene, book_claims.claims_in_ranges(book, ranges, steps, scene.trace))
    if inputs is None:
        inputs = [entry.numbers(book) for entry in read_map(book) if entry.kind == "input"]
    scene = record_scene(model, inputs)
    claims = book_claims.claims_in_export(book, model, scene.trace)
    report = compare_with_trace(book.path.name, scene, claims.givens)
    if report.ok:
        return replace(report, notes=[*report.notes, *claims.changed])
    changed = [Explanation("weight changed", words) for words in claims.changed]
    typed_over = [Explanation("formula typed over", words) for words in claims.typed_over]
    return replace(report, explanations=[*changed, *typed_over, *report.explanations])


def record_scene(model: Model, inputs: object) -> Scene:
    """The forward pass recorded, ready to be rerun with mistakes in it."""
    recorded = trace(model, default_inputs(model) if inputs is None else inputs, stop_at_unsupported=True)
    return Scene(recorded, Replay(recorded))


def compare_with_trace(source: str, scene: Scene, givens: Sequence[Given]) -> HandReport:
    """Compare each given step with the right values; explain the first that differs."""
    legitimate = softmax_without_maximum(scene, givens)
    givens = with_float32_noise(scene.replay, givens, legitimate)
    rows, notes, near = [], [], whole_is_meant(givens)
    first, worked, explanations = "", "", []
    for number, given in enumerate(givens):
        exact = scene.replay.run([given.node], legitimate)[0]
        off, carried = distance_to_nearest(given, scene.replay, givens[:number], legitimate)
        rows.append(row_of(given, exact, off, near, carried))
        if carried and not first:
            notes.append(f"{given.step.layer}/{given.step.name} was computed from your rounded numbers")
        if (off > 1).any() and not first:
            first, worked = first_difference(given, exact, off)
            later = [g for g in givens[number + 1 :] if (g.step.layer, g.step.name) == (given.step.layer, given.step.name)]
            explanations = Explainer(scene, givens[: number + 1], legitimate, later).explanations()
    return HandReport(source, rows, notes, explanations, first, worked)


def with_float32_noise(replay: Replay, givens: Sequence[Given], legitimate: Edits) -> Sequence[Given]:
    """If any number differs, all of them with the error allowed that float32 rounding can cause."""
    if all(given.agrees(replay.run([given.node], legitimate)[0]).all() for given in givens):
        return givens
    noise = float32_noise(replay, [given.node for given in givens])
    return [replace(given, noise=given.pick(may_be_off)) for given, may_be_off in zip(givens, noise, strict=True)]


def softmax_without_maximum(scene: Scene, givens: Sequence[Given]) -> Edits:
    """An edit for each softmax that was computed without subtracting the maximum, which is also correct.

    Evidence for it: numbers that agree and, if there was an earlier mistake, numbers larger than any e^(x - max) or their sum.
    """
    edits_needed: Edits = {}
    for site in scene.softmaxes:
        exponentials, total = site.out.args
        largest = exponentials.args[0].args[1]
        edit = {id(largest): replace_by(np.zeros(largest.shape))}
        told = [g for g in givens if g.node is exponentials or g.node is total]
        plain, shifted = (sum(int(g.agrees(scene.replay.run([g.node], edits)[0]).sum()) for g in told) for edits in (edit, {}))
        limits = [1.0 if g.node is exponentials else exponentials.size / max(total.size, 1) for g in told]
        if plain + sum(int((g.values - g.allowed > limit).sum()) for g, limit in zip(told, limits, strict=True)) > shifted:
            edits_needed |= edit
    return edits_needed


def distance_to_nearest(given: Given, replay: Replay, earlier: Sequence[Given], legitimate: Edits) -> tuple[np.ndarray, bool]:
    """The distance of each number from the exact value or, if nearer, from the value that follows from the person's earlier numbers."""
    exact = given.distances(replay.run([given.node], legitimate)[0])
    if (exact <= 1).all() or not earlier:
        return exact, False
    own = given.distances(replay.run([given.node], legitimate | pin_given_numbers(earlier, replay, legitimate))[0])
    return np.minimum(exact, own), bool((np.minimum(exact, own) <= 1).all())


def first_difference(given: Given, exact: np.ndarray, off: np.ndarray) -> tuple[str, str]:
    """``dense/pre-activation, sample 2, unit 1: 0.31 should be 0.13, off by 0.18``; and how that number is calculated."""
    worst = int(off.argmax())
    true, have = float(given.pick(exact)[worst]), given.written[worst]
    decimals = min(max(have.decimals, 0), 6)
    place = element_label(given.step, given.elements[worst])
    more = int((off > 1).sum()) - 1
    others = f"; {more} more number{'s' * (more != 1)} of this step {'differ' if more != 1 else 'differs'}" if more else ""
    numbers = f"{have.value:.{decimals}f} should be {true:.{decimals + 1}f}, off by {abs(have.value - true):.2g}"
    worked = f"{place}: {arithmetic(given.step, given.elements[worst])}"
    return f"the first step that differs is {place}: {numbers}{others}", worked


def float32_noise(replay: Replay, nodes: Sequence[Recorded]) -> list[np.ndarray]:
    """For each element of each of these values how far it may be off.

    Weights and inputs are a step larger or smaller at random, as sums are whose terms are rounded on the way. What is counted or
    decided from them, such as the row of a table that is looked up, stays.
    """
    rng = np.random.default_rng(0)
    given = [x for x in replay.nodes if x.op is None and x.value.dtype.kind == "f"]
    decided = {id(x): replace_by(replay.original(i)) for i, x in enumerate(replay.nodes) if x.op is not None and x.dtype.kind != "f"}
    step_sizes = [id(x) for x in replay.nodes if x.role.kind == "step size"]
    exact = [np.asarray(value, np.float64) for value in replay.run(nodes, {})]
    off = [np.zeros(value.shape) for value in exact]
    with np.errstate(all="ignore"):
        for _ in range(TRIES):
            nudged = {id(x): replace_by((x.value * (1 + rng.choice([-ONE_STEP, ONE_STEP], x.shape))).astype(np.float32)) for x in given}
            sizes = {key: change_by(multiply_by(1 + CANCELLED * rng.choice([-1, 1]))) for key in step_sizes}
            rounded = replay.run(nodes, nudged | decided | sizes)
            off = [np.fmax(worst, np.abs(y - true)) for worst, y, true in zip(off, rounded, exact, strict=True)]
        off = [np.nan_to_num(worst, posinf=0.0) for worst in off]
        most = [np.maximum(SMALL * largest(true), AT_LEAST * worst) for worst, true in zip(off, exact, strict=True)]
        return [np.minimum(TIMES * worst, limit) for worst, limit in zip(off, most, strict=True)]


def largest(value: np.ndarray) -> float:
    """The size of the largest finite number; at least 1."""
    return float(np.nan_to_num(np.abs(value), nan=0.0, posinf=0.0).max(initial=1.0))
