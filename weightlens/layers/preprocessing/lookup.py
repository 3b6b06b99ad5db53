"""Layers that look words or numbers up in a vocabulary (``keras.layers``, "Preprocessing layers")."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any

import numpy as np

from weightlens.layers.comparisons import whole
from weightlens.layers.preprocessing.encoding import bin_of, encoded, numbers_of
from weightlens.layers.signature import Array, Config, Step, Weights
from weightlens.recording import value_of
from weightlens.recording.texts import lowered, spaced, text, without_marks, word_at

Word = str | bytes | float
MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}  # names of Keras 2
MOST_COMPARED = 1_000_000  # words times entries of the vocabulary


class Vocabulary:
    """The words of a lookup layer and the place of each: first the mask, then the unknown words, then the vocabulary."""

    def __init__(self, config: Config, words: bool) -> None:
        given = config.get("vocabulary")
        if isinstance(given, str) or given is None:
            raise NotImplementedError("has its vocabulary in another file" if given else "has no vocabulary: it was saved before adapt()")
        while words and config.get("from_asset") and given and given[-1] == "":
            given = given[:-1]
        self.words, self.mode = words, MODES.get(config["output_mode"], str(config["output_mode"]))
        self.unknown, self.mask, self.oov = config.get("num_oov_indices", 1), config.get("mask_token"), config.get("oov_token")
        masked = self.mask is not None and self.mode == "int"
        self.first_unknown, self.first = int(masked), int(masked) + self.unknown
        entries = [text(v) if words else int(v) for v in given if words or v != ""]
        special = [self.mask] * self.first_unknown + [self.oov] * self.unknown
        self.with_special = entries[: self.first] == special
        self.entries = entries[self.first :] if self.with_special else entries
        self.size = self.first + len(self.entries)
        self.depth = config["max_tokens"] if config.get("pad_to_max_tokens") else self.size
        self.place = {entry: self.first + i for i, entry in enumerate(self.entries)}
        hashed = words or config.get("oov_method") == "farmhash"
        self.bin = bin_of(max(self.unknown, 1), config.get("salt")) if hashed else None

    def find(self, value: Word) -> int:
        """The place of one word or number; -1 for a mask that is not to be counted."""
        entry = text(value) if self.words else int(value)
        if self.mask is not None and entry == self.mask:
            return 0 if self.mode == "int" else -1
        place = self.place.get(entry)
        if place is not None or not self.unknown:
            return -1 if place is None else place
        return self.first_unknown + (self.bin(value) if self.bin else int(value) % self.unknown)

    def names(self) -> np.ndarray:
        """What stands at each place, and in the end what stands for all others."""
        special = [self.mask] * self.first_unknown + [self.oov] * self.unknown
        return np.array([*special, *self.entries, self.oov], dtype=None if self.words else float)


def weighted(ids: Array, vocabulary: Vocabulary, w: Weights, config: Config, step: Step) -> Any:
    """Places as the layer's ``output_mode`` asks for; with ``tf_idf``, counts times how rare the word is."""
    if vocabulary.mode != "tf_idf":
        return encoded(ids, vocabulary.mode, vocabulary.depth, step)
    counts = step("counts", encoded(ids, "count", vocabulary.depth, step))
    return counts * step("inverse document frequency", rarity(vocabulary, w, config))


def rarity(vocabulary: Vocabulary, w: Weights, config: Config) -> Any:
    """One weight for each place; unknown words get the mean."""
    if "idf_weights" in w:
        return w["idf_weights"]
    given = np.asarray(config["idf_weights"], float)
    front = 0 if vocabulary.with_special else vocabulary.first
    return np.concatenate([np.full(front, given.mean()), given, np.zeros(vocabulary.depth - front - len(given))])


def string_lookup(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """The place of each word in the vocabulary, or (``invert``) the word at each place. ``keras.layers.StringLookup``."""
    vocabulary = Vocabulary(config, words=True)
    if config.get("invert"):
        return inverted(x, vocabulary, step)
    return weighted(places_of(x, vocabulary, step), vocabulary, w, config, step)


def integer_lookup(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """The place of each whole number in the vocabulary, or the number at each place. ``keras.layers.IntegerLookup``."""
    vocabulary = Vocabulary(config, words=False)
    if config.get("invert"):
        return inverted(x, vocabulary, step)
    return weighted(places_of(np.trunc(x), vocabulary, step), vocabulary, w, config, step)


def places_of(x: Array, vocabulary: Vocabulary, step: Step) -> Any:
    """The place of each word or whole number: compared with every entry, unless there are very many or it takes a hash."""
    if (vocabulary.bin is not None and vocabulary.unknown > 1) or len(vocabulary.entries) * x.size > MOST_COMPARED:
        return step("place", numbers_of(lambda value: vocabulary.find(value), x))
    entries = step("vocabulary", np.array(vocabulary.entries, str if vocabulary.words else x.dtype))
    places = np.arange(vocabulary.first, vocabulary.size, dtype=float)
    matches = np.equal(x[..., None], entries)
    place = step("place in the vocabulary", np.sum(step("match", np.where(matches, places, 0.0)), axis=-1))
    known = np.greater(place, 0) if vocabulary.first else np.any(matches, axis=-1)
    several = vocabulary.unknown > 1
    other = vocabulary.first_unknown + np.mod(x, vocabulary.unknown) if several else float(vocabulary.find(unused(vocabulary)))
    ids = np.where(known, place, other)
    if vocabulary.mask is not None:
        mask = step("mask token", np.array([vocabulary.mask])) if vocabulary.words else vocabulary.mask
        ids = np.where(np.equal(x, mask), 0.0 if vocabulary.mode == "int" else -1.0, ids)
    return step("place", ids)


def unused(vocabulary: Vocabulary) -> int | str:
    """A word or a number that is not in the vocabulary."""
    taken = [*vocabulary.place, *([] if vocabulary.mask is None else [vocabulary.mask])]
    return "?" * (1 + max((len(v) for v in taken), default=0)) if vocabulary.words else 1 + max((int(v) for v in taken), default=0)


def inverted(x: Array, vocabulary: Vocabulary, step: Step) -> Any:
    """The word or number at each place."""
    names = step("vocabulary", vocabulary.names())
    last = vocabulary.size
    return np.take(names, whole(np.where(np.logical_and(x >= 0, x < last), x, last)), axis=0)


class Tokens:
    """How a TextVectorization cuts a text into words, and what their places are."""

    def __init__(self, config: Config) -> None:
        defaults = {"mask_token": "", "oov_token": "[UNK]", "num_oov_indices": 1, "output_mode": "int"}
        self.vocabulary = Vocabulary(defaults | config, words=True)
        self.standardize, self.split = config.get("standardize"), config.get("split")
        for name, known in (
            ("standardize", (None, "lower", "strip_punctuation", "lower_and_strip_punctuation")),
            ("split", (None, "whitespace", "character")),
        ):
            if config.get(name) not in known:
                raise NotImplementedError(f"has a {name} function of its own, which is not in the file")
        ngrams = config.get("ngrams")
        self.widths = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else tuple(ngrams or ())
        self.places = functools.lru_cache(maxsize=None)(self._places)

    def standard(self, x: Array | str, step: Step) -> Any:
        """Texts without what makes no difference."""
        x = step("small letters", lowered(x)) if "lower" in (self.standardize or "") else x
        return step("without punctuation", without_marks(x)) if "punctuation" in (self.standardize or "") else x

    def words(self, x: Array, length: int | None, step: Step) -> Any:
        """The words of each text, so many as ``length`` says, or as the longest has."""
        lines = step("single spaces", spaced(self.standard(x, step)))
        longest = max((line.count(" ") + bool(line) for line in value_of(lines).ravel().tolist()), default=0)
        count = max(longest, 1) if length is None else length
        return step("words", word_at(lines[..., None], np.arange(count), 0 if length is not None else count))

    def count(self, value: Word, place: Any) -> float:
        """How often the word of a place is in a text; at most once where only marks are asked for."""
        number = Counter(self.places(value))[int(place)]
        return min(number, 1) if self.vocabulary.mode == "multi_hot" else number

    def _places(self, value: Word) -> list[int]:
        line = str(self.standard(text(value), lambda name, line: line))
        words = [line] if self.split is None else list(line) if self.split == "character" else str(spaced(line)).split(" ")
        words = [word for word in words if word or self.split is None]
        if self.widths:
            words = [" ".join(words[i : i + n]) for n in self.widths for i in range(len(words) - n + 1)]
        return [self.vocabulary.find(word) for word in words]


def text_vectorization(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """Texts as the places of their words, or as counts of them: ``(batch,) -> (batch, words)``. ``keras.layers.TextVectorization``."""
    tokens = Tokens(config)
    vocabulary, length = tokens.vocabulary, config.get("output_sequence_length")
    if config.get("ragged"):
        raise NotImplementedError("makes rows of different length (ragged)")
    if tokens.split is None:
        return weighted(whole_lines(x, tokens, length, step), vocabulary, w, config, step)
    if vocabulary.mode == "one_hot":
        raise NotImplementedError("marks each word of a text by itself (one_hot), as many as the longest text has")
    x = x[..., 0] if x.ndim > 1 else x
    if tokens.split == "whitespace" and not tokens.widths:
        words = tokens.words(x, length if vocabulary.mode == "int" else None, step)
        return weighted(places_of(words, vocabulary, step), vocabulary, w, config, step)
    if vocabulary.mode == "int":
        bare = getattr(x, "value", x)
        length = max((len(tokens.places(value)) for value in bare.ravel()), default=0) if length is None else length
        return numbers_of(lambda value, i: (tokens.places(value) + [0] * length)[int(i)], x[..., None], np.arange(length))
    counts = numbers_of(lambda value, place: tokens.count(value, place), x[..., None], np.arange(vocabulary.depth))
    return counts * step("inverse document frequency", rarity(vocabulary, w, config)) if vocabulary.mode == "tf_idf" else counts


def whole_lines(x: Array, tokens: Tokens, length: int | None, step: Step) -> Any:
    """The places of texts that are not cut, each a word of its own; as many columns as ``length`` says."""
    if tokens.widths:
        raise NotImplementedError("joins the columns of its input to n-grams")
    ids = places_of(x, tokens.vocabulary, step) if tokens.standardize is None else numbers_of(lambda value: tokens.places(value)[0], x)
    if tokens.vocabulary.mode != "int" or length is None:
        return ids
    return ids[..., :length] if ids.shape[-1] >= length else np.pad(ids, [(0, 0)] * (ids.ndim - 1) + [(0, length - ids.shape[-1])])
