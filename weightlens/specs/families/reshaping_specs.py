"""Layers that arrange numbers anew (``keras.layers``, "Reshaping layers")."""

from weightlens.specs.layer import LayerSpec, each_rank

CROPPING = LayerSpec(function="reshaping.cropping", options="cropping:sides data_format", alone=True, keeps_kind=True)

LAYERS = {
    "Flatten": LayerSpec(function="reshaping.flatten", options="data_format", alone=True, keeps_kind=True, truth_table=True, tfjs="loses"),
    "Reshape": LayerSpec(
        function="reshaping.reshape", options="target_shape!", alone=True, keeps_kind=True, picture="passes", tfjs="loses",
    ),
    "Permute": LayerSpec(function="reshaping.permute", options="dims!", alone=True, keeps_kind=True, picture="passes", tfjs="loses"),
    "RepeatVector": LayerSpec(
        function="reshaping.repeat_vector", options="n!", new_axis="time step", alone=True, keeps_kind=True, tfjs="loses",
    ),
    **each_rank("Cropping{}D", (1,), CROPPING._replace(not_taken="data_format")),
    **each_rank("Cropping{}D", (2,), CROPPING._replace(picture="passes", tfjs="loses")),
    **each_rank("Cropping{}D", (3,), CROPPING),
    **each_rank("ZeroPadding{}D", (1, 3), LayerSpec(
        function="reshaping.zero_padding", options="padding:sides data_format", alone=True, keeps_kind=True,
    )),
    **each_rank("ZeroPadding{}D", (2,), LayerSpec(
        function="reshaping.zero_padding", options="padding:sides data_format", alone=True, keeps_kind=True, picture="passes", tfjs="loses",
    )),
    **each_rank("UpSampling{}D", (1,), LayerSpec(function="reshaping.up_sampling", options="size", alone=True, keeps_kind=True)),
    **each_rank("UpSampling{}D", (2,), LayerSpec(
        function="preprocessing.resizing.up_sampling_2d", options="size data_format interpolation", alone=True, keeps_kind=True,
        whole="rounds", tfjs="loses",
    )),
    **each_rank("UpSampling{}D", (3,), LayerSpec(
        function="reshaping.up_sampling", options="size data_format", alone=True, keeps_kind=True,
    )),
}  # fmt: skip
