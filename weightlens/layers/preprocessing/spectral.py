"""Spectrograms: how much of each frequency is in each short piece of a signal (``keras.layers``, "Preprocessing layers")."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import DTypeLike

from weightlens.layers.comparisons import finite
from weightlens.layers.convolution.convolutional import convolve
from weightlens.layers.signature import Array, Config, Function, Number, Step, Weights
from weightlens.recording import value_of


def fourier(length: int, frequencies: int, dtype: DTypeLike) -> tuple[np.ndarray, np.ndarray]:
    """The matrices ``cos`` and ``-sin`` of ``2 pi time frequency / length``: ``(length, frequencies)``."""
    turns = np.outer(np.arange(length), np.arange(frequencies)) % length * (2.0 * math.pi / length)
    return np.cos(turns).astype(dtype), (0.0 - np.sin(turns)).astype(dtype)


def window_of(window: Any, length: int) -> np.ndarray:
    """The weights of a piece of signal: a periodic Hann or Hamming window, numbers as given, or all 1."""
    if window is None:
        return np.ones(length)
    if not isinstance(window, str):
        return np.asarray(window, float)
    level = {"hann": 0.5, "hamming": 0.54}.get(window)
    if level is None:
        raise NotImplementedError(f"window {window!r} is not one that weightlens computes")
    return level - (1.0 - level) * np.cos(2.0 * math.pi * np.arange(length) / length)


def short_time_fourier(x: Array, length: int, stride: int, fft_length: int, window: Any, center: bool, step: Step) -> tuple[Any, Any]:
    """The Fourier transform of every windowed piece: two arrays ``(..., pieces, frequencies)``."""
    if center:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)], mode="reflect")
    pieces = sliding_window_view(x, fft_length, axis=-1)[..., ::stride, :]
    left = (fft_length - length) // 2
    weights = np.pad(window_of(window, length), (left, fft_length - length - left))[:, None]
    cosines, sines = (weights * matrix for matrix in fourier(fft_length, fft_length // 2 + 1, np.float64))
    real, imaginary = (step(name, matrix.astype(x.dtype)) for name, matrix in (("cosines", cosines), ("sines", sines)))
    return step("real part", pieces @ real), step("imaginary part", pieces @ imaginary)


def stft_spectrogram(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """A convolution with stored cosines and sines: ``(batch, time, channels) -> (batch, pieces, channels * frequencies)``.

    ``keras.layers.STFTSpectrogram``.
    """
    last = config.get("data_format", "channels_last") != "channels_first"
    signal = np.swapaxes(x, 1, 2) if last else x
    batch, channels, _ = signal.shape
    signal = np.reshape(signal, (batch * channels, -1, 1))
    stride = config.get("frame_step") or config["frame_length"] // 2

    def part(name: str) -> Any:
        y = convolve(signal, w[f"{name}_kernel"], (stride,), config.get("padding", "valid"))
        return np.reshape(step(f"{name} part", y), (batch, channels, y.shape[1], -1))  # batch, channels, pieces, frequencies

    y = spectrum(part, config.get("mode", "log"), step)
    if config.get("expand_dims"):
        return np.moveaxis(y, 1, -1) if last else y
    y = np.reshape(np.moveaxis(y, 3, 2), (batch, -1, y.shape[2]))
    return np.swapaxes(y, 1, 2) if last else y


def arctan2(x1: Number, x2: Number) -> Any:
    """The angle of the point ``(x2, x1)``, between -pi and pi."""
    for x in (x1, x2):
        finite(x, "computes the angle of a point from two numbers")
    if np.any((value_of(x1) == 0) & np.signbit(value_of(x2)) & (np.signbit(value_of(x1)) | (value_of(x2) == 0))):
        raise NotImplementedError("computes the angle of a point beside -0, which is another one than beside 0")
    ahead = np.arctan(x1 / np.where(np.equal(x2, 0), 1.0, x2))
    side = np.where(np.greater_equal(x1, 0), math.pi, -math.pi)
    beside = np.where(np.equal(x1, 0), 0.0, side / 2)
    return np.where(np.greater(x2, 0), ahead, np.where(np.less(x2, 0), ahead + side, beside))


def spectrum(part: Function, mode: str, step: Step) -> Any:
    """Real and imaginary part as the layer's ``mode`` asks for."""
    if mode in ("real", "imag"):
        return part(mode)
    real, imaginary = part("real"), part("imag")
    if mode == "angle":
        return arctan2(imaginary, real)
    if mode == "stft":
        return np.concatenate([real, imaginary], axis=-1)
    power = step("power", real * real + imaginary * imaginary)
    if mode == "psd":  # the inner frequencies stand for their mirror images too
        return np.concatenate([power[..., :1], 2.0 * power[..., 1:-1], power[..., -1:]], axis=-1)
    magnitude = step("magnitude", np.sqrt(np.maximum(power, 1e-7)))
    return magnitude if mode == "magnitude" else np.log(magnitude)


def mel(hertz: Number) -> Any:
    """Pitch as it is heard: ``1127 ln(1 + f / 700)``."""
    return 1127.0 * np.log(1.0 + hertz / 700.0)


def mel_weights(bands: int, frequencies: int, rate: float, lowest: float, highest: float) -> np.ndarray:
    """The share of each frequency in each band, triangles of equal width in mel: ``(frequencies, bands)``."""
    at = mel(np.linspace(0.0, rate / 2.0, frequencies)[1:, None])
    edges = np.linspace(mel(lowest), mel(highest), bands + 2)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    inside = np.minimum((at - low) / (middle - low), (high - at) / (high - middle))
    return np.pad(np.maximum(inside, 0.0), [(1, 0), (0, 0)])


def mel_spectrogram(x: Array, w: Weights, config: Config, step: Step) -> Any:
    """How loud each pitch is in each piece: ``(..., time) -> (..., bands, pieces)``. ``keras.layers.MelSpectrogram``."""
    size, rate = config["fft_length"], config["sampling_rate"]
    length = config.get("sequence_length") or size
    real, imaginary = short_time_fourier(x, length, config["sequence_stride"], size, config.get("window", "hann"), True, step)
    power = step("spectrum", np.power(np.sqrt(real * real + imaginary * imaginary), config.get("mag_exp", 2.0)))
    shares = mel_weights(config["num_mel_bins"], size // 2 + 1, rate, config.get("min_freq", 20.0), config.get("max_freq") or int(rate / 2))
    y = step("bands", power @ step("shares of the bands", shares.astype(x.dtype)))
    if config.get("power_to_db", True):
        smallest = config.get("min_power", 1e-10)
        reference = 10.0 * math.log10(max(abs(config.get("ref_power", 1.0)), smallest))
        decibels = step("decibels", 10.0 * np.log10(np.maximum(y, smallest)) - reference)
        y = np.maximum(decibels, step("loudest", np.max(decibels)) - config.get("top_db", 80.0))
    return np.swapaxes(y, -1, -2)
