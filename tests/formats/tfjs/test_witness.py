"""Models that TensorFlow.js built and saved: the same numbers from the file as TensorFlow.js computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.formats.tfjs.witness import made
from weightlens.errors import UnsupportedLayer

pytestmark = pytest.mark.office("node")


# TensorFlow.js forgets to take back a mask once it has shown it to a layer: later layers get it as well.
MISLED = {"masked_conv", "masked_mean", "masked_repeat", "masked_reshape"}


def test_every_model_that_tensorflow_js_writes(tmp_path: Path) -> None:
    models = made(tmp_path)
    assert len(models) > 55 and models.keys() > MISLED
    for name, (inputs, outputs) in models.items():
        model = weightlens.load(tmp_path / name)
        if name in MISLED:
            with pytest.raises(UnsupportedLayer, match="mask of an earlier layer"):
                model.predict(inputs)
            continue
        computed = model.predict(inputs)
        for ours, theirs in zip(computed, outputs, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5, err_msg=name)
