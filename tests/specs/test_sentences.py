"""Sentences about layers and activations: each has one, said of its settings in words, whatever a file holds."""

from __future__ import annotations

import inspect
import re
import string
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from weightlens.formats.architecture.build import build_layer
from weightlens.formats.architecture.dialect import Dialect
from weightlens.layers import activations
from weightlens.layers.activations import activate, has_steps
from weightlens.specs.activation import ACTIVATIONS, ALL, DIP, ActivationSpec
from weightlens.specs.registry import SPECS, spec
from weightlens.specs.words import sentences, setting_words
from weightlens.specs.words.number_words import number
from weightlens.specs.words.sentences import activation_sentence, sentence

FUNCTIONS = sorted(ACTIVATIONS)
ELEMENTWISE = {name: f for name, known in ACTIVATIONS.items() if not has_steps(inspect.unwrap(f := getattr(activations, known.function)))}
CLASSES = sorted(name for name, known in SPECS.items() if known.function is not None or name == "InputLayer")
RAW = re.compile(r"None|True|False|null|[][{}()\\\"_]|(?<!\w)'|channels_|\bnan\b|\binf\b|\d[eE][+-]?\d")
ALLOWED = re.compile(r" \((about 2\.718|dot product|gamma|beta|one-hot|multi-hot|TF-IDF|mel|pruning|[\d, ]+)\)|(?<=Its activation, )\w+")
LONGEST_FIRST, LONGEST = 165, 340


def sound(text: str) -> None:
    """Whole sentences in plain words, none too long."""
    assert re.match(r"[A-Z]", text) and text.endswith("."), text
    assert not RAW.search(ALLOWED.sub("", text)), text
    assert ".." not in text and "  " not in text and " ." not in text and " ," not in text, text
    assert len(re.split(r"\.(?: |$)", text)[0]) <= LONGEST_FIRST and len(text) <= LONGEST, (len(text), text)


@pytest.mark.parametrize("class_name", CLASSES)
def test_every_class_has_a_sentence(class_name: str) -> None:
    text = sentence(class_name, {})
    assert text, f"no sentence says what {class_name} does: weightlens/specs/words/sentences.py"
    sound(text)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_activation_has_a_sentence(name: str) -> None:
    sound(activation_sentence(name))
    sound(sentence("Dense", {"units": 3, "activation": name}))


def test_no_sentence_is_of_nothing() -> None:
    named = {re.sub(r"[123]D", "", name) for name in CLASSES}
    others = {"Functional"}
    assert not {*sentences.WITHOUT_SPACE, *sentences.IN_SPACE, *sentences.PICTURES, *sentences.TRAINING_ONLY} - named - others


def settings_in(template: str) -> set[str]:
    """The names in braces that are not words worked out of settings."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name} - setting_words.PARTS.keys()


@pytest.mark.parametrize("class_name", CLASSES)
def test_a_sentence_names_settings_of_its_class(class_name: str) -> None:
    options = {word.split(":")[0].rstrip("!") for word in (spec(class_name).options or "").split()}
    for backwards in (False, True):
        assert settings_in(sentences.template_of(class_name, backwards)[0]) <= options | {"activation", "function"}


@pytest.mark.parametrize("known", ALL, ids=[known.function for known in ALL])
def test_an_activation_does_what_its_spec_says(known: ActivationSpec) -> None:
    """Its words name settings that it has, and ``way``, ``shares``, ``positive`` and ``corner`` are true of its numbers."""
    assert settings_in(known.does) <= known.defaults.keys() | inspect.signature(getattr(activations, known.function)).parameters.keys()
    x = np.linspace(-20, 20, 4000)
    y = activate(x.reshape(1, -1), known.function, lambda name, value, role=None: value).ravel()
    directions = np.sign(np.diff(y.round(9)))
    assert known.way not in ("rises", "cuts") or (directions >= 0).all()
    assert known.way != "cuts" or (y[x <= 0] == 0).all()
    assert known.way != "dips" or (y.min() >= DIP and (np.diff(directions[directions != 0]) >= 0).all())
    assert not known.shares or (y.min() >= 0 and y.max() <= 1)
    assert not known.never_negative or y.min() >= 0
    if known.way in ("rises", "cuts", "dips"):
        below, at, above = activate(np.array([-1e-6, 0.0, 1e-6]), known.function, None)
        assert known.corner == (abs(above - 2 * at + below) > 1e-8)


ODD: tuple[Any, ...] = (
    None, True, 0, 1, -1, 3, 0.25, 1e-30, 1e300, float("nan"), 10**400, "same", "x", [], [2], [1, 2], [3, 3, 3], [[1, 0], [0, 2]],
    [[1, 1]] * 3, {}, {"class_name": "ReLU", "config": {"max_value": 6.0}}, {"class_name": ["?"], "config": None}, {"config": "tanh"},
)  # fmt: skip


def settings(class_name: str) -> Iterator[dict[str, Any]]:
    """Each option of a class with each odd value, the others missing, and all options with one value."""
    names = [name.split(":")[0].rstrip("!") for name in (spec(class_name).options or "").split() if not name.startswith("|")]
    for value in ODD:
        yield dict.fromkeys(names, value)
        yield from ({name: value} for name in names)


@pytest.mark.parametrize("class_name", CLASSES)
def test_no_setting_is_printed_raw_or_stops_a_sentence(class_name: str) -> None:
    for config in settings(class_name):
        text = sentence(class_name, config)
        assert not text or (text.endswith(".") and not RAW.search(ALLOWED.sub("", text))), (config, text)


def test_every_layer_that_keras_makes(keras: Any) -> None:
    from tests.cases import CASES
    from weightlens.words.layer_words import sentence as of_layer

    made = 0
    for case in CASES:
        layer = case.layer(keras)
        if isinstance(layer, keras.layers.Layer) and not isinstance(layer, keras.Model):
            built = build_layer(keras.layers.serialize(layer), Dialect(3, keras.__version__))
            sound(sentence(built.class_name, built.config))
            assert of_layer(built).startswith(sentence(built.class_name, built.config))
            made += 1
    assert made > 200


@pytest.mark.parametrize(
    ("class_name", "config", "words"),
    [
        ("Dense", {"units": 1, "use_bias": False}, "Its one unit multiplies each of its inputs by a weight and adds up the products."),
        (
            "Dense",
            {"units": 16, "activation": "relu"},
            "Each of its 16 units multiplies each of its inputs by a weight and adds up the products, plus a bias. "
            "Its activation, relu, keeps positive numbers and turns negative ones into 0.",
        ),
        (
            "Conv2D",
            {"filters": 8, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "linear"},
            "Slides 8 small patterns, its filters, over the picture and says how well each fits, place by place. "
            "It looks at windows of 3 x 3 pixels, moving one step at a time, with zeros where they reach over the edge.",
        ),
        (
            "Conv1D",
            {"filters": 1, "kernel_size": 2, "strides": 1, "padding": "causal", "dilation_rate": 4},
            "Slides one small pattern, its filter, over the sequence and says how well it fits, place by place. "
            "It looks at windows of 2 places that lie 4 apart, moving one step at a time, "
            "with zeros before the start: it never looks ahead.",
        ),
        (
            "Conv2DTranspose",
            {"filters": 4, "kernel_size": [3, 3], "strides": [2, 1]},
            "Spreads every number over a window of the result, weighted by small learned patterns, and adds up where windows overlap. "
            "It makes 4 channels; its windows of 3 x 3 pixels lie 2 x 1 steps apart.",
        ),
        (
            "MaxPooling2D",
            {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"},
            "Keeps the largest number of each window of 2 x 2 pixels, channel by channel. The windows lie side by side.",
        ),
        (
            "AveragePooling1D",
            {"pool_size": [3], "strides": [2], "padding": "same"},
            "Takes the mean of each window of 3 places, channel by channel. The windows move 2 steps at a time. "
            "Where they reach over the ends, only what is inside counts.",
        ),
        (
            "LSTM",
            {"units": 5, "activation": "tanh", "return_sequences": True},
            "Reads the sequence step by step with a memory of 5 numbers: gates decide what to forget, what to add and what to show. "
            "It hands on the result of every step.",
        ),
        (
            "Dropout",
            {"rate": 0.4},
            "In training it sets about 40 % of the numbers to 0 at random and enlarges the others to make up for it. "
            "In a prediction everything passes unchanged.",
        ),
        (
            "BatchNormalization",
            {"epsilon": 0.001, "scale": False},
            "Subtracts from each channel the mean seen in training and divides by the standard deviation seen in training. "
            "Then it adds a learned number (beta). Epsilon, 0.001, is added under the root: it keeps the layer from dividing by 0.",
        ),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 8},
            "Lets each place of a sequence look at the places of the same or of another one and mix what fits it, with 2 heads at once. "
            "Each head compares places by 8 numbers, called key dim.",
        ),
        ("Embedding", {"input_dim": 6, "output_dim": 3, "mask_zero": True},
         "Replaces each number of a word by the row with that number: 3 learned numbers; the table has 6 rows. "
         "Number 0 stands for no word, and later layers skip it."),
        ("Rescaling", {"scale": 1 / 255, "offset": 0.0}, "Multiplies by 1/255."),
        ("Rescaling", {"scale": 0.1, "offset": -0.5}, "Multiplies by 0.1 and adds -0.5."),
        ("ZeroPadding2D", {"padding": [[1, 0], [2, 2]]}, "Puts zeros around the picture: 1 at the top, 2 on the left, 2 on the right."),
        ("LeakyReLU", {"negative_slope": 0.3}, "Keeps positive numbers and multiplies negative ones by 0.3."),
        ("ReLU", {"max_value": 6.0}, "Keeps positive numbers and turns negative ones into 0; nothing becomes larger than 6."),
        ("Activation", {"activation": "sigmoid"},
         "Squeezes each number to between 0 and 1: large ones come close to 1, very negative ones close to 0, and 0 becomes one half."),
        ("RandomFlip", {}, "In training it changes pictures at random: it flips them as in a mirror. "
         "In a prediction everything passes unchanged."),
        ("StringLookup", {"invert": True},
         "Replaces each place number by the word that stands there in a list of known ones, the vocabulary."),
        ("Unheard>Of", {"units": 3}, ""),
    ],
)  # fmt: skip
def test_a_layer_in_a_sentence(class_name: str, config: dict[str, Any], words: str) -> None:
    assert sentence(class_name, config) == words


# What the sentences of bent and squeezed numbers promise, held against the functions.
LARGE = np.array([50.0, 80.0])


@pytest.mark.parametrize(
    "name", [name for name in ELEMENTWISE if "hardly change, very negative ones come close to 0" in activation_sentence(name)]
)
def test_functions_that_are_said_to_resemble_relu_do(name: str) -> None:
    np.testing.assert_allclose(ELEMENTWISE[name](LARGE), LARGE, rtol=1e-3)
    np.testing.assert_allclose(ELEMENTWISE[name](-LARGE), 0.0, atol=0.03)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [(name, float(found[1]), float(found[2])) for name in ELEMENTWISE if name != "softsign"
     and (found := re.search(r"[Tt]urns (\S+) and less into 0, (\S+) and more into 1", activation_sentence(name)))],
)  # fmt: skip
def test_functions_that_are_said_to_rise_evenly_do(name: str, low: float, high: float) -> None:
    x = np.array([low - 1, low, low + (high - low) / 4, high, high + 1])
    np.testing.assert_allclose(ELEMENTWISE[name](x), [0, 0, 0.25, 1, 1], atol=1e-12)


@pytest.mark.parametrize("name", ["elu", "celu", "selu"])
def test_what_very_negative_numbers_come_close_to(name: str) -> None:
    limit = re.search(r"towards (-[\d.]+)\.$", activation_sentence(name))
    assert limit is not None
    np.testing.assert_allclose(ELEMENTWISE[name](np.array([-60.0])), float(limit[1]), atol=1e-4)


def test_numbers_as_people_write_them() -> None:
    assert [number(v) for v in (1, 2.0, 0.3, 1e-5, 1 / 3, 1 / 127.5, np.float32(1 / 255).item(), 123456789.0)] == [
        "1", "2", "0.3", "0.00001", "1/3", "1/127.5", "1/255", "123456789",
    ]  # fmt: skip
