"""Normalization (``keras.layers``, "Normalization layers"; ``Normalization`` and ``Rescaling`` from "Preprocessing layers")."""

from weightlens.specs.layer import LayerSpec
from weightlens.specs.quirks import NORMALIZES_FLOATS

SCALED = "gamma?scale beta?center"
SETTINGS = "center scale epsilon"
MOVING = f"axis:axes {SETTINGS} momentum renorm renorm_clipping:any renorm_momentum:number? synchronized"

LAYERS = {
    "BatchNormalization": LayerSpec(
        function="normalization.batch_normalization", mask="keep",
        variables=f"{SCALED} moving_mean moving_variance moving_stddev?renorm=0 renorm_mean?renorm=0 renorm_stddev?renorm=0",
        shapes="batch_normalization", options=f"{MOVING} |2 fused virtual_batch_size:any adjustment:any |1 mode:any", alone=True,
        picture="scales", learned="gamma beta moving_mean moving_variance", tfjs="keeps",
    ),
    "SyncBatchNormalization": LayerSpec(
        function="normalization.batch_normalization", mask="keep", variables=f"{SCALED} moving_mean moving_variance",
        shapes="batch_normalization", options=MOVING, gone=True,
    ),
    "LayerNormalization": LayerSpec(
        function="normalization.layer_normalization", mask="keep", variables=SCALED, shapes="layer_normalization",
        options=f"axis:axes {SETTINGS} rms_scaling", not_taken="rms_scaling", whole="cuts", learned="gamma beta", tfjs="keeps",
        alone="axis", once_floats=NORMALIZES_FLOATS,
    ),
    "GroupNormalization": LayerSpec(
        function="normalization.group_normalization", mask="keep", variables=SCALED, shapes="group_normalization",
        options=f"axis {SETTINGS} groups:axis", whole="cuts", learned="gamma beta", alone="axis",
    ),
    "RMSNormalization": LayerSpec(
        function="normalization.rms_normalization", variables="scale", shapes="layer_normalization", options="axis:axes epsilon",
        whole="cuts", alone="axis",
    ),
    "UnitNormalization": LayerSpec(function="normalization.unit_normalization", mask="keep", options="axis:axes", alone="axis"),
    "SpectralNormalization": LayerSpec(
        function="normalization.spectral_normalization", mask="wrapped", variables="vector_u", stored_twice="kernel",
        options="layer! power_iterations:any", whole="cuts",
    ),
    "Normalization": LayerSpec(
        function="normalization.normalization", mask="keep_since_keras_3", variables="mean?adapted variance?adapted count?adapted",
        shapes="normalization", options="axis:axes? mean:numbers? variance:numbers? invert", alone=True, picture="scales",
    ),
    "Rescaling": LayerSpec(
        function="normalization.rescaling", mask="keep_since_keras_3", options="scale:numbers offset:numbers", alone=True,
        picture="scales", tfjs="loses",
    ),
}  # fmt: skip
