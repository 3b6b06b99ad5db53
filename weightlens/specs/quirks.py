"""What a layer computes otherwise than its configuration says, for the version of Keras that wrote it or for what enters it."""

from __future__ import annotations

from typing import NamedTuple


class Quirks(NamedTuple):
    """Facts that change the arithmetic of a layer and that no setting of Keras holds.

    Before Keras 3 masks of merged inputs count where all of them are real, and change no number; Identity, Normalization and Rescaling
    lose the mask; Softmax gives equal shares where all is masked; TimeDistributed makes its mask of the wrapped layer's; a bias of
    several axes is added as NumPy does.
    """

    before_keras_3: bool = False
    input_dtype: str | None = None  # the kind of number that enters, where whole numbers make a difference


NONE = Quirks()
