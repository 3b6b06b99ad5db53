"""Cases of ``weightlens.layers.preprocessing.encoding``, ``lookup`` and ``spectral``."""

from __future__ import annotations

import numpy as np

from tests.cases import case


def whole(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, 6, size=shape)


def pixels(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(20, 200, size=shape)


def shares(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(0.1, 0.8, size=shape)


def words(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.choice(
        ["red", "Green", "blue", "", "ochre", "a much longer word than the others, of over sixty-four bytes in all"], size=shape
    )


def texts(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.choice(["The cat sat.", "a dog;  the DOG!", "sat the cat on the mat, on the mat?", ""], size=shape)


WORDS = ["red", "green", "blue", "Green"]
TEXT = ["the", "cat", "dog", "mat", "the cat"]
IDF = [0.5, 1.0, 2.0, 0.25]

CASES = [
    case("categories, marks", lambda k: k.layers.CategoryEncoding(6), (4,), data=whole, dtype="int32"),
    case("categories, one-hot", lambda k: k.layers.CategoryEncoding(6, output_mode="one_hot"), (1,), data=whole, dtype="int32"),
    case("categories, one-hot of several", lambda k: k.layers.CategoryEncoding(7, output_mode="one_hot"), (3,), data=whole, dtype="int32"),
    case("categories, counts", lambda k: k.layers.CategoryEncoding(6, output_mode="count"), (5,), data=whole, dtype="int32"),
    case("bins", lambda k: k.layers.Discretization([-1.0, 0.1, 0.7]), (4, 3)),
    case("bins, one-hot", lambda k: k.layers.Discretization([-0.5, 0.5], output_mode="one_hot"), (1,)),
    case("bins, counts", lambda k: k.layers.Discretization([-0.5, 0.5], output_mode="count"), (5,)),
    case("hashed words", lambda k: k.layers.Hashing(7), (4,), data=words, dtype="string", workbook=False),
    case(
        "hashed words, mask, salt",
        lambda k: k.layers.Hashing(7, mask_value="", salt=(133, 137)),
        (4,),
        data=words,
        dtype="string",
        workbook=False,
    ),
    case(
        "hashed numbers, one-hot",
        lambda k: k.layers.Hashing(5, salt=9, output_mode="one_hot"),
        (1,),
        data=whole,
        dtype="int64",
        workbook=False,
    ),
    case("hashed numbers, counts", lambda k: k.layers.Hashing(5, output_mode="count"), (4,), data=whole, dtype="int64", workbook=False),
    case("crossed", lambda k: k.layers.HashedCrossing(11), (1,), (1,), data=whole, dtype="int64", workbook=False),
    case(
        "crossed words, one-hot",
        lambda k: k.layers.HashedCrossing(5, output_mode="one_hot"),
        (1,),
        (1,),
        data=words,
        dtype="string",
        workbook=False,
    ),
    case("looked-up numbers", lambda k: k.layers.IntegerLookup(vocabulary=[3, 5, 1]), (4,), data=whole, dtype="int64"),
    case(
        "looked-up numbers, mask, many unknown",
        lambda k: k.layers.IntegerLookup(vocabulary=[3, 5], mask_token=0, num_oov_indices=2),
        (4,),
        data=whole,
        dtype="int64",
    ),
    case(
        "looked-up numbers, counts",
        lambda k: k.layers.IntegerLookup(vocabulary=[3, 5, 1], output_mode="count"),
        (4,),
        data=whole,
        dtype="int64",
    ),
    case(
        "looked-up numbers, mask, marks",
        lambda k: k.layers.IntegerLookup(vocabulary=[3, 5], mask_token=1, output_mode="multi_hot"),
        (4,),
        data=whole,
        dtype="int64",
    ),
    case(
        "looked-up numbers, one-hot, padded",
        lambda k: k.layers.IntegerLookup(vocabulary=[3, 5], max_tokens=6, pad_to_max_tokens=True, output_mode="one_hot"),
        (1,),
        data=whole,
        dtype="int64",
    ),
    case(
        "looked-up numbers, rare ones count more",
        lambda k: k.layers.IntegerLookup(vocabulary=[3, 5, 1, 0], idf_weights=IDF, output_mode="tf_idf"),
        (4,),
        data=whole,
        dtype="int64",
    ),
    case(
        "looked-up numbers, back", lambda k: k.layers.IntegerLookup(vocabulary=[30, 50, 10], invert=True), (4,), data=whole, dtype="int64"
    ),
    case("looked-up words", lambda k: k.layers.StringLookup(vocabulary=WORDS), (4,), data=words, dtype="string"),
    case("looked-up words, mask", lambda k: k.layers.StringLookup(vocabulary=WORDS, mask_token=""), (4,), data=words, dtype="string"),
    case(
        "looked-up words, none unknown, marks",
        lambda k: k.layers.StringLookup(vocabulary=WORDS, output_mode="multi_hot"),
        (4,),
        data=words,
        dtype="string",
    ),
    case(
        "whole lines looked up",
        lambda k: k.layers.TextVectorization(vocabulary=WORDS, split=None, standardize=None),
        (3,),
        data=words,
        dtype="string",
    ),
    case(
        "looked-up words, mask, many unknown",
        lambda k: k.layers.StringLookup(vocabulary=WORDS, mask_token="", num_oov_indices=3),
        (4,),
        data=words,
        dtype="string",
        workbook=False,
    ),
    case(
        "looked-up words, rare ones count more",
        lambda k: k.layers.StringLookup(vocabulary=WORDS, idf_weights=IDF, output_mode="tf_idf"),
        (4,),
        data=words,
        dtype="string",
    ),
    case(
        "text",
        lambda k: k.layers.TextVectorization(vocabulary=TEXT, output_sequence_length=5),
        (1,),
        data=texts,
        dtype="string",
    ),
    case(
        "text, as it is",
        lambda k: k.layers.TextVectorization(vocabulary=TEXT, standardize=None, output_sequence_length=4),
        (1,),
        data=texts,
        dtype="string",
    ),
    case(
        "text, pairs of words, counts",
        lambda k: k.layers.TextVectorization(vocabulary=TEXT, ngrams=2, output_mode="count"),
        (1,),
        data=texts,
        dtype="string",
        workbook=False,
    ),
    case(
        "text, letters, marks",
        lambda k: k.layers.TextVectorization(vocabulary=["a", "t", "o"], split="character", output_mode="multi_hot"),
        (1,),
        data=texts,
        dtype="string",
        workbook=False,
    ),
    case(
        "text, rare words count more",
        lambda k: k.layers.TextVectorization(vocabulary=TEXT[:4], idf_weights=IDF, output_mode="tf_idf"),
        (1,),
        data=texts,
        dtype="string",
    ),
    case("auto contrast", lambda k: k.layers.AutoContrast(), (3, 4, 2), data=pixels),
    case("auto contrast, 0 to 1", lambda k: k.layers.AutoContrast(value_range=(0, 1)), (3, 4, 2), data=shares),
    case("auto contrast, even image", lambda k: k.layers.AutoContrast(), (2, 2, 1), data=lambda rng, shape: np.full(shape, 7.0)),
    case(
        "tiles evened",
        lambda k: k.layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2)),
        (7, 6, 2),
        data=pixels,
    ),
    case(
        "tiles evened, whole numbers",
        lambda k: lambda x: k.layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))(x),
        (7, 6, 2),
        data=pixels,
        dtype="uint8",
    ),
    case(
        "tiles evened, 0 to 1",
        lambda k: k.layers.ContrastLimitedAdaptiveHistogramEqualization((0, 1), 2.0, (2, 3)),
        (8, 6, 1),
        data=shares,
        workbook=False,
    ),
    case(
        "pipeline",
        lambda k: k.layers.Pipeline([k.layers.Rescaling(1 / 255), k.layers.AutoContrast(value_range=(0, 1))]),
        (3, 4, 2),
        data=pixels,
    ),
    case("short-time spectrum, log", lambda k: k.layers.STFTSpectrogram(frame_length=4, frame_step=2, fft_length=4), (10, 1)),
    case(
        "short-time spectrum, magnitude, channels kept",
        lambda k: k.layers.STFTSpectrogram("magnitude", frame_length=4, expand_dims=True),
        (10, 2),
    ),
    case(
        "short-time spectrum, power, padded",
        lambda k: k.layers.STFTSpectrogram("psd", frame_length=4, padding="same", scaling="spectrum"),
        (9, 2),
    ),
    case("short-time spectrum, both parts", lambda k: k.layers.STFTSpectrogram("stft", frame_length=4, window=None), (9, 1)),
    case("short-time spectrum, angle", lambda k: k.layers.STFTSpectrogram("angle", frame_length=4), (9, 1)),
    case("short-time spectrum, real part", lambda k: k.layers.STFTSpectrogram("real", frame_length=5), (9, 1)),
    case(
        "mel", lambda k: k.layers.MelSpectrogram(fft_length=16, sequence_stride=8, num_mel_bins=4, sampling_rate=200), (32,), tolerance=1e-4
    ),
    case(
        "mel, no decibels",
        lambda k: k.layers.MelSpectrogram(
            16, 4, sequence_length=10, window="hamming", num_mel_bins=3, sampling_rate=100, power_to_db=False, mag_exp=1.0
        ),
        (30,),
    ),
]
