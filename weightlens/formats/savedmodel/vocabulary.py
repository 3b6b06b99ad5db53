"""Vocabularies that a layer learned by ``adapt()``: Keras 2 leaves them out of the configuration, and keeps them in lookup tables."""

from __future__ import annotations

from weightlens.formats.savedmodel.container import GRAPH, SavedModelFiles
from weightlens.formats.savedmodel.saved_graph import Path, SavedGraph
from weightlens.formats.savedmodel.wire import Damaged, refusal
from weightlens.model import Layer

TABLES = {  # where each class has its table
    "StringLookup": ("lookup_table",), "IntegerLookup": ("lookup_table",), "TextVectorization": ("_lookup_layer", "lookup_table"),
}  # fmt: skip
WEIGHTED = "tf_idf"  # has weights as well, which are in no table


def is_without_vocabulary(layer: Layer) -> bool:
    """Whether a layer's vocabulary has to be looked for."""
    return layer.class_name in TABLES and layer.config.get("vocabulary") is None and layer.config.get("output_mode") != WEIGHTED


def fill_vocabularies(layers: list[tuple[Layer, Path]], files: SavedModelFiles) -> None:
    """Give layers at these paths the words of their tables, in the order of their numbers."""
    try:
        graph = SavedGraph(files.read(GRAPH))
        for layer, path in layers:
            if (found := graph.table((*path, *TABLES[layer.class_name]))) is not None:
                layer.note = layer.note or "its vocabulary was learned by adapt(), and is read from the lookup table in saved_model.pb"
                layer.config["vocabulary"] = in_order(*found, bool(layer.config.get("invert")))
    except Damaged as error:
        raise refusal(f"{files.label}: {GRAPH}", error) from None


def in_order(keys: list[str | int], values: list[str | int], invert: bool) -> list[str | int]:
    """The words of a table in the order of their numbers, which follow each other."""
    words, places = (values, keys) if invert else (keys, values)
    if len(words) != len(places) or not all(isinstance(place, int) for place in places):
        raise Damaged("a vocabulary without a number for each word")
    pairs = sorted(zip((int(place) for place in places), words, strict=True), key=lambda pair: pair[0])
    if [place for place, _ in pairs] != [pairs[0][0] + count for count in range(len(pairs))]:
        raise Damaged("a vocabulary whose numbers do not follow each other")
    return [word for _, word in pairs]
