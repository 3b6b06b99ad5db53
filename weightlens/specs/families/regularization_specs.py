"""Layers that change nothing when a model predicts: dropout, noise, random augmentation.

``keras.layers``, "Regularization layers", "Image augmentation layers".
"""

from weightlens.specs.layer import LayerSpec, each_rank

DROPOUT = LayerSpec(
    function="core.identity", mask="keep", options="rate data_format |1 dim_ordering:any", not_taken="data_format",
    alone=True, hands_on=True, tfjs="keeps",
)  # fmt: skip
SPATIAL = DROPOUT._replace(drops=True, keeps_kind=True, not_taken="trainable", tfjs="loses")
PICTURE = "data_format bounding_box_format:any factor:any value_range:range"
BOXES = "bounding_box_format factor value_range"
RANDOM = LayerSpec(
    function="core.identity",
    options=f"{PICTURE} mode:any height_factor:any width_factor:any fill_mode:any fill_value:any interpolation:any height:any width:any "
    "scale:any alpha:any num_chains:any chain_depth:any all_ops:any num_ops:any brightness_factor:any contrast_factor:any "
    "saturation_factor:any hue_factor:any x_factor:any y_factor:any kernel_size:any sigma:any addition_factor:any "
    "threshold_factor:any bins:any", alone=True,
)  # fmt: skip
PASSING = RANDOM._replace(picture="passes")
WHAT = (
    "Brightness ColorDegeneration ColorJitter Contrast ElasticTransform Erasing Flip GaussianBlur Grayscale Hue Invert "
    "Perspective Posterization Rotation Saturation Sharpness Shear Translation Zoom"
)

LAYERS = {
    "Dropout": DROPOUT._replace(drops=True, keeps_kind=True, truth_table=True, picture="passes"),
    **each_rank("SpatialDropout{}D", (1,), SPATIAL._replace(not_taken="data_format trainable")),
    **each_rank("SpatialDropout{}D", (2, 3), SPATIAL, tfjs=()),
    "AlphaDropout": DROPOUT,
    "GaussianDropout": DROPOUT,
    "GaussianNoise": DROPOUT._replace(options="stddev", picture="passes"),
    "ActivityRegularization": DROPOUT._replace(options="l1 l2", keeps_kind=True, tfjs=""),
    **{f"Random{what}": PASSING for what in WHAT.split()},
    **dict.fromkeys(["RandomHeight", "RandomWidth"], PASSING._replace(gone=True, tfjs="differs")),
    "RandomCrop": PASSING._replace(options=f"height! width! {PICTURE}", not_taken=BOXES),
    "RandAugment": RANDOM,
    "AugMix": RANDOM,
    "CutMix": RANDOM,
    "MixUp": RANDOM,
    "Solarization": RANDOM,
    "Equalization": RANDOM._replace(options=f"{PICTURE} bins:any", not_taken="bounding_box_format factor"),
    "MaxNumBoundingBoxes": RANDOM._replace(options=f"{PICTURE} max_number:any fill_value:any"),
    # AutoKeras
    **dict.fromkeys(["CastToFloat32", "Custom>CastToFloat32", "autokeras>CastToFloat32"], RANDOM._replace(options=None)),
}  # fmt: skip
