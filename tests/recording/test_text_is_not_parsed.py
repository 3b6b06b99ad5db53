"""What is known is recorded: no module that words, labels or names things reads text that weightlens itself wrote."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import weightlens

PACKAGE = Path(weightlens.__file__).parent
PLACES = (
    "recording",
    "training",
    "axes",
    "checks",
    "checks/by_hand",
    "checks/by_hand/mistakes",
    "terminal",
    "words",
    "page",
    "browse",
    "workbook",
    "workbook/drawing",
    "workbook/exercises",
    "workbook/neuron",
    "workbook/sheets/parts",
    "workbook/formulas",
    "workbook/layout",
    "workbook/sheets",
    "workbook/training",
    "workbook/xlsx",
)
CUTS = {"startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split", "rsplit", "replace"}
# What is cut there all the same: (module, function) -> what it is, which is nothing that is shown.
ALLOWED = {
    ("workbook/formulas/cell_arrays.py", "number"): "the digits of a number",
    ("workbook/formulas/products.py", "batches"): "einsum's own letters",
    ("workbook/formulas/products.py", "product"): "einsum's own letters",
    ("workbook/formulas/shorten.py", "_cut_product"): "einsum's own letters",
    ("workbook/formulas/products.py", "summed_length"): "einsum's own letters",
    ("workbook/formulas/translate.py", "call"): "the templates of the table of functions",
    ("workbook/sheets/controls.py", "finish"): "the $ signs of an address",
    ("workbook/sheets/time_sheet.py", "widths"): "the words of a heading, none of which is to be broken",
    ("workbook/export_options.py", "refuse"): "names of options",
    ("workbook/formulas/cell_arrays.py", "quoted"): "the quotation marks of a text in a formula",
    ("workbook/xlsx/book.py", "*"): "what titles and names of a workbook may not hold; the $ signs of an address",
    ("workbook/xlsx/chart_values.py", "*"): "the XML of openpyxl's charts",
    ("workbook/xlsx/dress.py", "*"): "the $ signs of an address; the lines of a note, which are counted",
    ("workbook/xlsx/grid.py", "*"): "the digits of numbers, and XML while it is made",
    ("workbook/xlsx/package.py", "*"): "the XML of openpyxl's parts",
    ("workbook/sheets/network.py", "caption"): "the words of a heading, none of which is to be broken",
    ("workbook/training/epochs_sheet.py", "style_of"): "the form of a number",
    ("words/wording.py", "name"): "paths of layers, which are made of the names in the file",
    ("workbook/sheets/network.py", "place_weight"): "names of weights, which are Keras's",
    ("workbook/xlsx/styles.py", "characters"): "the form of a number",
    ("workbook/xlsx/styles.py", "border"): "names of sides",
    ("workbook/xlsx/printer.py", "in_form"): "the % sign of Python's own templates",
    ("workbook/xlsx/strings.py", "*"): "what XML may not hold",
    ("recording/graph.py", "is_inside"): "paths of layers, which are made of the names in the file",
    ("recording/calls.py", "full_subscripts"): "einsum's own letters",
    ("recording/texts.py", "*"): "text that a network computes with",
    ("training/gradients.py", "product"): "einsum's own letters",
    ("training/__init__.py", "random_start"): "paths of variables",
    ("training/recipe.py", "*"): "versions of Keras and settings in the file",
    ("training/data.py", "*"): "names of columns, as the user typed them",
    ("axes/moves.py", "joined"): "paths of layers",
    ("axes/rules.py", "product"): "einsum's own letters",
    ("axes/names.py", "*"): "names of classes and variables, and the tables of axes",
    ("checks/oracle.py", "*"): "versions and settings of Keras",
    ("checks/by_hand/claims.py", "*"): "tables, as a person wrote them",
    ("checks/by_hand/step_names.py", "*"): "names of layers and steps, as a person wrote them",
    ("checks/by_hand/output_rows.py", "refuse_other_steps"): "titles and labels, as a person wrote them",
    ("checks/by_hand/numbers.py", "*"): "numbers, as a person wrote them",
    ("checks/by_hand/scene.py", "is_bias"): "names of variables",
    ("checks/by_hand/mistakes/in_weights.py", "*"): "names of variables",
    ("checks/by_hand/mistakes/in_normalization.py", "*"): "names of classes and variables",
    ("checks/by_hand/mistakes/in_sequences.py", "*"): "names of arguments",
    ("checks/by_hand/mistakes/in_windows.py", "*"): "names of classes",
    ("terminal/__init__.py", "*"): "the name of an encoding, and the words of a line to be broken",
    ("terminal/describe.py", "is_under"): "paths of layers",
    ("terminal/describe.py", "options_of"): "names of settings",
    ("terminal/textconv.py", "text_of_file"): "the lines of an error",
    ("training/moments.py", "*"): "names of losses, metrics, weights and dtypes, and numbers as the user typed them",
    ("terminal/machine.py", "write_npy"): "names of matrices",
    ("terminal/machine.py", "csv_cell"): "the first sign of a text, which a spreadsheet may take for a formula",
    ("terminal/matrices.py", "weight_labels"): "names of variables",
    ("terminal/print_trace.py", "calculation"): "a calculation that is cut after a word",
    ("terminal/show.py", "*"): "paths of files and layers, and patterns as the user typed them",
    ("terminal/tree.py", "archive_lines"): "names of files",
    ("words/explained.py", "bias"): "names of variables",
    ("words/explained.py", "has_bias"): "names of variables",
    ("words/layer_words.py", "documented"): "the docstring of a user's own function",
    ("words/worked.py", "product"): "einsum's own letters",
    ("words/worked.py", "number"): "the sign of a number",
    ("workbook/drawing/network_sheet.py", "draw"): "paths of layers",
    ("workbook/neuron/data_tables.py", "*"): "the $ signs of an address",
    ("workbook/neuron/neuron_sheet.py", "write_rows"): "the place in a formula that is left open, while it is made",
    ("workbook/neuron/unit_inputs.py", "input_names"): "einsum's own letters",
    ("workbook/neuron/unit_inputs.py", "pixels_of"): "einsum's own letters",
    ("workbook/neuron/weighted_sums.py", "of_product"): "einsum's own letters",
    ("workbook/sheets/parts/directions.py", "directions"): "paths of layers",
    ("workbook/sheets/summary.py", "_map"): "paths of layers",
    ("workbook/sheets/parts/room.py", "*"): "the words of a text to be broken",
    ("page/layers_and_blocks.py", "input_axes"): "einsum's own letters",
    ("page/document.py", "*"): "the imports and exports of our scripts, and the templates of the page",
    ("browse/drawing.py", "status_line"): "the sign of a number",
    ("browse/listing.py", "compared"): "names of dtypes",
    ("browse/plane.py", "jumped"): "an index, as the user typed it",
    ("words/wording.py", "constant"): "the sign of a number",
    ("words/wording.py", "call"): "the words of the operand that a phrase is made of, while it is made",
    ("words/wording.py", "listed"): "the words of the operands that a phrase is made of, while it is made",
    ("words/wording.py", "plural"): "the plural of an English word",
    ("words/call_words.py", "call_name"): "the name that NumPy gives a function",
}


def cuts(path: Path) -> set[tuple[str, str]]:
    """The functions of a module that cut strings, or match them with regular expressions."""
    module, here = path.relative_to(PACKAGE).as_posix(), set()

    def look(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef):
            function = node.name  # of methods without their class
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            pattern = isinstance(owner, ast.Name) and owner.id == "re"
            array = isinstance(owner, ast.Name) and owner.id == "np"
            if pattern or (node.func.attr in CUTS and not array):
                here.add((module, function))
        for inner in ast.iter_child_nodes(node):
            look(inner, function)

    look(ast.parse(path.read_text(encoding="utf-8")), "")
    return here


@functools.cache
def found() -> set[tuple[str, str]]:
    """The functions of all the places that cut strings."""
    places = [PACKAGE / place for place in PLACES]
    modules = [path for place in places for path in ([place] if place.suffix else sorted(place.glob("*.py")))]
    return {function for path in modules for function in cuts(path)}


def test_no_text_of_ours_is_parsed() -> None:
    assert {(module, name) for module, name in found() if not {(module, name), (module, "*")} & set(ALLOWED)} == set()


def test_nothing_is_allowed_that_is_gone() -> None:
    named = found() | {(module, "*") for module, _ in found()}
    assert set(ALLOWED) - named == set()
