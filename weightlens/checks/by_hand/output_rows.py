"""Rows of final outputs: a row per sample, a column per sample, or the rows of pictures and sequences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from weightlens.checks.by_hand.claims import LISTED, OutputRows
from weightlens.checks.by_hand.numbers import WrittenNumber, refuse_unclear_marks
from weightlens.checks.by_hand.placing import Given, Placed, count_right
from weightlens.checks.by_hand.step_names import output_step
from weightlens.errors import BadInput, first_few
from weightlens.recording import Trace
from weightlens.specs.words.number_words import counted

Table = list[list[WrittenNumber]]
PASSED_OVER = "the empty rows were passed over: no sample was taken to be left out"
COMMAS = "decimal commas: 0,5 is read as 0.5"
TURNED = "the table was read transposed: a column for each sample"


def rows_of_outputs(given: OutputRows, trace: Trace) -> Placed:
    """The outputs that rows of numbers stand for: the usual reading of the table, unless more numbers are right in another.

    A note says so if it is not a row per sample.
    """
    refuse_other_steps(given, trace)
    first = next(i for i, row in enumerate(given.rows) if row)
    below, filled = replace(given, rows=given.rows[first:]), replace(given, rows=[row for row in given.rows if row])
    tables = list(possible_readings(below, trace))
    if filled != below:  # an empty row between others is a sample that was left out, or nothing
        passed_over = PASSED_OVER if tables else ""
        tables += [(note or passed_over, table) for note, table in possible_readings(filled, trace)]
    if first:  # above all others it is nothing, or a sample that was left out
        tables += possible_readings(given, trace)
    readings = [(note, given_outputs(table, trace)) for note, table in tables]
    if not tables or sum(output_sizes(trace)) == 1:
        commas = [given_outputs(table, trace) for _, table in possible_readings(replace(given, rows=given.joined[first:]), trace)]
        if commas and not any(count_right(givens) == sum(len(g.values) for g in givens) for _, givens in readings):
            refuse_unclear_marks([(number, given.source) for row in given.joined for number in row])
        readings += [(COMMAS, givens) for givens in commas]
    if not readings:
        raise why_not_outputs(filled, trace)
    note, givens = readings[0]
    for other_note, other in readings[1:]:
        if count_right(other) > max(count_right(givens), 0 if note else sum(len(g.values) for g in other) / 2):
            note, givens = other_note, other
    return Placed(givens, notes=[words for words in (*given.notes, note, left_out(givens)) if words])


def refuse_other_steps(given: OutputRows, trace: Trace) -> None:
    """Refuse rows of which a title or a label names a layer or a step that is no output."""
    outputs = [output_step(trace, k) for k in range(len(trace.results))]
    own = {step.layer for step in outputs} | {step.name for step in outputs}
    others = {f" {name.lower()} " for step in trace.steps for name in (step.layer, step.name) if name not in own}
    for words in (*given.titles, *given.labels):
        said = " " + re.sub(r"[\s/:=]+", " ", words.lower()) + " "
        if any(name in said for name in others):
            raise BadInput(f"{given.source}: {words[:40]!r} is no output of the network; {LISTED}")


def left_out(givens: Sequence[Given]) -> str:
    """Which samples before the last one were left out, in words; empty where none was."""
    samples = {element[0] for given in givens for element in given.elements}
    missing = [str(i) for i in range(max(samples)) if i not in samples]
    return f"left out: sample{'s' * (len(missing) > 1)} {first_few(missing, 8)}" if missing else ""


def possible_readings(given: OutputRows, trace: Trace) -> Iterator[tuple[str, Table]]:
    """The ways to read the table that fit the outputs' shapes, the usual one first."""
    samples, total = trace.results[0].shape[0], sum(output_sizes(trace))
    table = without_row_numbers(given, samples, total, trace)
    if fits_outputs(table, samples, total):
        yield "", table
    if total == 1 and len(table) == 1 and 1 < len(table[0]) <= samples:  # a network with one output: a number for each sample
        yield "", [[number] for number in table[0]]
    if len({len(row) for row in table}) != 1:
        return
    turned = [list(column) for column in zip(*table, strict=True)]
    if fits_outputs(turned, samples, total):
        yield TURNED, turned
    if len(trace.results) == 1 and len(shape := trace.results[0].shape[1:]) > 1:
        for words, way in (("", table), (", transposed", turned)):
            yield from rows_within_samples(way, shape, samples, words)


def rows_within_samples(table: Table, shape: tuple[int, ...], samples: int, words: str) -> Iterator[tuple[str, Table]]:
    """The reading in which a table row is one row of a picture or sequence, the samples one below the other."""
    flat = [number for row in table for number in row]
    total, width = int(np.prod(shape)), len(table[0])
    ends = {int(np.prod(shape[i:])) for i in range(1, len(shape))}
    if width in ends and len(flat) % total == 0 and len(flat) <= samples * total:
        as_outputs = f"the table was read as outputs of {' x '.join(map(str, shape))}, one below the other{words}"
        yield as_outputs, [flat[i : i + total] for i in range(0, len(flat), total)]


def fits_outputs(table: Table, samples: int, total: int) -> bool:
    """Whether each row holds all outputs of a sample, or none, for no more samples than there are."""
    return len(table) <= samples and {len(row) for row in table if row} == {total}


def why_not_outputs(given: OutputRows, trace: Trace) -> BadInput:
    """Why a table cannot hold the outputs."""
    samples, total = trace.results[0].shape[0], sum(output_sizes(trace))
    widths = {len(row) for row in without_row_numbers(given, samples, total, trace)}
    if widths == {total}:
        return BadInput(f"{given.source}: has more rows than the {counted(samples, 'sample')} of the input")
    if len(given.rows) == 1 and len(given.rows[0]) == total + 1 and given.rows[0][0].value in range(samples + 1):
        number = f"{given.rows[0][0].value:g}"
        said = f"its row has {total + 1} numbers for {counted(total, 'output')}; if the first, {number}, is the number of the row,"
        return BadInput(f"{given.source}: {said} leave it out: of a single row that cannot be told")
    count = max(widths - {total})
    numbers, outputs = counted(count, "number"), counted(total, "output")
    return BadInput(f"{given.source}: a row has {numbers}, but the network has {outputs}; {LISTED}")


def given_outputs(table: Table, trace: Trace) -> list[Given]:
    """The numbers of each output, taken from rows with all outputs of a sample."""
    ends = np.cumsum([0, *output_sizes(trace)]).tolist()
    givens = []
    for k, (start, end) in enumerate(pairwise(ends)):
        step = output_step(trace, k)
        places = [tuple(map(int, place)) for place in np.ndindex(step.made.shape[1:])]
        elements = [(sample, *place) for sample, row in enumerate(table) if row for place in places]
        givens += [Given(step, elements, [number for row in table for number in row[start:end]])] if elements else []
    return givens


def output_sizes(trace: Trace) -> list[int]:
    """How many numbers each output has per sample."""
    return [int(np.prod(x.shape[1:])) for x in trace.results]


def without_row_numbers(given: OutputRows, samples: int, total: int, trace: Trace) -> Table:
    """The numbers without a heading row 0, 1, 2... (of a data frame), and without row numbers and inputs before the outputs."""
    rows = given.rows
    if total == 1 and len(rows) == 1 and len(rows[0]) <= samples:  # one row of numbers, one for each sample
        return rows
    if len(rows) == samples + 1 and is_numbering([number.value for number in rows[0]], range(len(rows[0]))):
        rows = rows[1:]
    more = {len(row) - total for row in rows if row}
    before = more.pop() if len(more) == 1 and len(rows) <= samples else 0
    if before > 0 and are_row_numbers_or_inputs(rows, before, given.has_index, trace):
        return [row[before:] for row in rows]
    return rows_by_their_inputs(rows, before, trace) or rows if before > 0 else rows


def rows_by_their_inputs(table: Table, before: int, trace: Trace) -> Table:
    """The outputs in the rows of their samples, where the last columns before them are the inputs of one sample each; else no rows."""
    inputs, found = numeric_inputs(trace), dict[int, list[WrittenNumber]]()
    width = inputs.shape[1]
    if not width or before not in (width, width + 1):  # a number of the row may stand before them
        return []
    for row in filter(None, table):
        lead = [number.value for number in row[before - width : before]]
        same = np.flatnonzero(np.isclose(inputs, lead, rtol=0, atol=1e-3).all(axis=1)).tolist()
        if len(same) != 1 or same[0] in found:
            return []
        found[same[0]] = row[before:]
    return [found.get(sample, []) for sample in range(max(found) + 1)]


def numeric_inputs(trace: Trace) -> np.ndarray:
    """All numbers that go in, a row for each sample."""
    numeric = [x.value.reshape(len(x.value), -1) for x in trace.inputs if x.value.dtype.kind in "biuf"]
    return np.concatenate(numeric, axis=1) if numeric else np.zeros((trace.results[0].shape[0], 0))


def are_row_numbers_or_inputs(table: Table, before: int, has_index: bool, trace: Trace) -> bool:
    """Whether the first columns of each row are the row's number, the inputs, or both.

    Under the title of an index they may be any whole numbers, as in a table of inputs; else they count from 0 or 1.
    """
    filled = [sample for sample, row in enumerate(table) if row]
    lead = np.array([[number.value for number in row[:before]] for row in table if row])
    given = numeric_inputs(trace)[filled]
    counted = is_numbering(lead[:, 0].tolist(), filled) or (has_index and not (lead[:, 0] % 1).any())
    numbered = before in (1, given.shape[1] + 1) and counted
    if before == 1 and numbered:
        return True
    rest = lead[:, numbered:]
    return rest.shape == given.shape and bool(np.allclose(rest, given, atol=1e-3))


def is_numbering(numbers: Sequence[float], places: Sequence[int]) -> bool:
    """Whether the numbers are those of the places, counted from 0 or from 1."""
    return len(numbers) > 1 and list(numbers) in (list(places), [place + 1 for place in places])
