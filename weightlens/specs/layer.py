"""What a ``LayerSpec`` says: everything that is known of one layer class without running it.

To add a layer, write its function in ``weightlens/layers`` and one entry in the file of its category in ``families`` (the categories
of Keras's documentation); CONTRIBUTING.md goes through an example.

``variables``: names in Keras's order. ``name`` is always there, ``name?flag`` where the setting ``flag`` is true (or missing),
``name?flag=0`` where it is true (missing means not). A name with a slash belongs to a part of the layer: ``query/kernel``.
``name[..]`` has that shape: settings (``units``), ``*kernel_size`` one number for each axis, ``in`` the features that come in,
``4*units`` and ``in/groups`` what is worked out of them, ``()`` nothing, a single number. No shape: see ``shapes``, or unknown.

``options``: names of options in every version of Keras, and after ``|1``, ``|2``, ``|3`` those of that version alone. ``name:kind`` says
the kind of value (``kinds.KINDS``) where it is not the usual one of that name (``options.KIND_OF``); ``name!`` has to be there.

``axes``: what each axis of a weight means. ``?``: what it is multiplied with or added to says what it is; ``*``: the spatial axes of a
kernel; ``gate:a|b*unit``: two factors, the first with words for its coordinates. ``name 2``: where it has so many axes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

HOME = "keras.layers"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class LayerSpec(NamedTuple):
    """What weightlens knows of one layer class; ``weightlens.register`` takes one for a class of your own.

    Only ``function`` has to be given. ``function(x, w, config, step)`` is written as ``weightlens.layers`` says. ``variables``,
    ``options`` and ``axes`` are short texts: ``"kernel[in,units] bias[units]?use_bias"``, ``"units! activation use_bias"``,
    ``{"kernel": "?, unit", "bias": "unit"}``; ``weightlens/specs/layer.py`` says how they are read, and what each other field means.
    """

    # What it computes: a function of weightlens/layers ("core.dense"), or a function itself. None: it has none of its own.
    function: str | Callable[..., Any] | None
    # Which mask it hands on: a function of layers/masking.py ("keep"), a function itself, or "none".
    mask: str | Callable[..., Any] = "none"
    variables: str | None = None  # None: not known
    stored_twice: str = ""  # one that Keras 3 stores beside them in its own formats, though a layer inside holds it
    shapes: str = ""  # the function of specs/shapes.py that tells the shapes that ``variables`` leaves out
    options: str | None = None  # None: they are not checked
    arguments: tuple[str, ...] = ("inputs", "mask", "training")  # of its call, by position
    spatial: int = 0  # its spatial axes: 2 for Conv2D
    # Names of axes
    takes: str = ""  # of its input: "sample, time step, ..."; of a class with spatial axes "sample, *, channel" where this is empty
    axes: Mapping[str, str] | None = None  # of its weights
    new_axis: str = ""  # an axis that its output has and its input has not
    # Words
    sentence: str = ""  # what it does, for somebody who has not heard of it: "{units}" is a setting. Of Keras's: specs/sentences.py
    # Facts about it
    alone: bool | str = False  # its output for a sample depends on that sample alone; a setting's name: unless that names the first axis
    across: bool = False  # works across the first axis of a sample: of samples with one axis, it would take all for places of one
    ends_in_activation: bool = False  # its last step is the function in its setting ``activation``
    only_activation: bool = False  # it is an activation function that a crossentropy may look through, and nothing else
    hands_on: bool = False  # in a prediction it returns its input unchanged
    keeps_kind: bool = False  # whole numbers stay whole numbers of the same kind
    picture: str = ""  # what it does to the values of a picture: "scales" them into a range, or "passes" them on
    truth_table: bool = False  # as a first layer it may be fed a truth table
    # What it makes of whole numbers that Keras leaves whole: it "cuts" or "rounds", "wraps" in few bits, takes "means" or "sums".
    whole: str = ""
    once_floats: str = ""  # the old way (``specs.quirks``) in which it made floating-point numbers of whole ones
    turned: bool = False  # Theano turned its kernel in its convolutions
    drops: bool = False  # in training it sets numbers to 0 at random and enlarges the others
    states: int = 0  # how many arrays a cell hands from one time step to the next
    tokens: tuple[str, int] | None = None  # takes numbers of words: the setting that says how many different ones, and its default
    # Facts about it in other programs
    gone: bool = False  # Keras 3 no longer has it
    home: str = HOME  # the module in which Keras 3 has it; one of another module it opens in .keras files only
    not_taken: str = ""  # of its options, and "trainable" and "dtype", those that its constructor in Keras 3 does not take
    learned: str = ""  # what its constructor in Keras 3 takes an initializer, a regularizer and a constraint for
    # TensorFlow.js has it: it "keeps" the mask that comes in, "uses" or "loses" it, "hides" it, which Keras uses, or "differs" in numbers.
    tfjs: str = ""
    tfjs_passes_over: Mapping[str, tuple[Any, ...]] = NOTHING  # settings without effect there: the values with which that is no matter


def each_rank(name: str, ranks: Iterable[int], spec: LayerSpec, tfjs: Container[int] = (1, 2, 3)) -> dict[str, LayerSpec]:
    """A spec for each number of spatial axes in ``ranks``: ``Conv{}D``. ``tfjs``: the ranks that TensorFlow.js may have."""
    return {name.format(rank): spec._replace(spatial=rank, tfjs=spec.tfjs if rank in tfjs else "") for rank in ranks}
