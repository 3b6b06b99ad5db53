"""Models that TensorFlow.js built and saved: the same numbers from the file as TensorFlow.js computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import weightlens
from tests.formats.tfjs.witness import made

pytestmark = pytest.mark.office("node")


def test_every_model_that_tensorflow_js_writes(tmp_path: Path) -> None:
    models = made(tmp_path)
    assert len(models) > 40
    for name, (inputs, outputs) in models.items():
        computed = weightlens.load(tmp_path / name).predict(inputs)
        for ours, theirs in zip(computed, outputs, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5, err_msg=name)
