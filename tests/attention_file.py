"""A small transformer as Keras 2 writes it to HDF5, made without Keras: five tokens, two heads, three classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

TOKENS, WORDS, WIDE, HEADS, KEY, CLASSES = 5, 12, 6, 2, 3, 3


def write_attention(path: Path, seed: int = 0) -> Path:
    """The file; its weights are multiples of 1/8."""
    rng = np.random.default_rng(seed)
    shapes = {"embedding": {"embeddings": (WORDS, WIDE)}, "attention": {}, "out": {"kernel": (WIDE, CLASSES), "bias": (CLASSES,)}}
    for part in ("query", "key", "value"):
        shapes["attention"] |= {f"{part}/kernel": (WIDE, HEADS, KEY), f"{part}/bias": (HEADS, KEY)}
    shapes["attention"] |= {"attention_output/kernel": (HEADS, KEY, WIDE), "attention_output/bias": (WIDE,)}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.15.0", "tensorflow"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": configuration()})
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [layer["name"].encode() for layer in configuration()["layers"]]
        for layer in configuration()["layers"]:
            group, own = weights.create_group(layer["name"]), shapes.get(layer["name"], {})
            names = [f"{layer['name']}/{name}:0" for name in own]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, shape in zip(names, own.values(), strict=True):
                group[name] = (rng.integers(-8, 9, shape) / 8).astype(np.float32)
    return path


def configuration() -> dict[str, Any]:
    """The graph: the embedded tokens attend to themselves, are averaged, and tell the class."""
    layers = [
        ("InputLayer", "tokens", {"batch_input_shape": [None, TOKENS], "dtype": "int32"}, []),
        ("Embedding", "embedding", {"input_dim": WORDS, "output_dim": WIDE}, [[["tokens", 0, 0, {}]]]),
        ("MultiHeadAttention", "attention", {"num_heads": HEADS, "key_dim": KEY, "value_dim": KEY, "use_bias": True},
         [[["embedding", 0, 0, {"value": ["embedding", 0, 0]}]]]),
        ("GlobalAveragePooling1D", "mean", {}, [[["attention", 0, 0, {}]]]),
        ("Dense", "out", {"units": CLASSES, "activation": "softmax", "use_bias": True}, [[["mean", 0, 0, {}]]]),
    ]  # fmt: skip
    return {
        "name": "attention_model",
        "layers": [
            {"class_name": kind, "name": name, "config": {"name": name} | config, "inbound_nodes": nodes}
            for kind, name, config, nodes in layers
        ],
        "input_layers": [["tokens", 0, 0]],
        "output_layers": [["out", 0, 0]],
    }
