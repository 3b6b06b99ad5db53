"""Cases of ``weightlens.layers.convolution.convolutional``. Channels-first convolutions run on a CPU only in a few places."""

from tests.cases import case

CASES = [
    case("conv1d", lambda k: k.layers.Conv1D(3, 2), (5, 2)),
    case("conv1d, same, even kernel, strides", lambda k: k.layers.Conv1D(3, 4, strides=3, padding="same"), (8, 2)),
    case("conv1d, causal, dilated", lambda k: k.layers.Conv1D(3, 2, padding="causal", dilation_rate=2, activation="relu"), (6, 2)),
    case("conv1d, same, dilated", lambda k: k.layers.Conv1D(2, 3, padding="same", dilation_rate=2), (7, 2)),
    case("conv1d, groups, softmax", lambda k: k.layers.Conv1D(4, 3, groups=2, activation="softmax"), (5, 4)),
    case("conv1d, strides beyond the kernel", lambda k: k.layers.Conv1D(2, 2, strides=3, padding="same"), (8, 2)),
    case("conv2d", lambda k: k.layers.Conv2D(3, (2, 3), activation="relu"), (4, 5, 2)),
    case("conv2d, no bias, strides", lambda k: k.layers.Conv2D(2, 3, strides=2, use_bias=False), (6, 7, 1)),
    case("conv2d, same, even kernel, strides", lambda k: k.layers.Conv2D(2, (4, 2), strides=(2, 1), padding="same"), (5, 6, 2)),
    case("conv2d, same, dilated", lambda k: k.layers.Conv2D(2, 3, padding="same", dilation_rate=(2, 1)), (5, 4, 2)),
    case("conv2d, groups", lambda k: k.layers.Conv2D(6, 3, groups=3, padding="same", strides=2), (5, 5, 3)),
    case("conv2d, any size", lambda k: k.layers.Conv2D(2, 3, padding="same"), (None, None, 2)),
    case("conv3d", lambda k: k.layers.Conv3D(2, 2, activation="tanh"), (3, 3, 3, 2)),
    case("conv3d, same, strides", lambda k: k.layers.Conv3D(2, (2, 3, 1), strides=(1, 2, 2), padding="same"), (3, 4, 3, 2)),
    case("conv3d, same, strides beyond the kernel", lambda k: k.layers.Conv3D(1, 1, strides=(3, 2, 2), padding="same"), (4, 6, 4, 1)),
    case("conv1d transpose", lambda k: k.layers.Conv1DTranspose(2, 3), (4, 2)),
    case("conv1d transpose, same, strides", lambda k: k.layers.Conv1DTranspose(2, 4, strides=3, padding="same"), (4, 2)),
    case("conv1d transpose, kernel below strides", lambda k: k.layers.Conv1DTranspose(2, 2, strides=3), (4, 2)),
    case("conv2d transpose, strides", lambda k: k.layers.Conv2DTranspose(2, (3, 2), strides=2, activation="relu"), (3, 4, 2)),
    case("conv2d transpose, same", lambda k: k.layers.Conv2DTranspose(2, 3, strides=(2, 1), padding="same", use_bias=False), (3, 4, 2)),
    case(
        "conv2d transpose, output padding", lambda k: k.layers.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1), (3, 4, 1)
    ),
    case("conv2d transpose, output padding, valid", lambda k: k.layers.Conv2DTranspose(2, 3, strides=3, output_padding=(2, 1)), (3, 2, 1)),
    case("conv3d transpose", lambda k: k.layers.Conv3DTranspose(1, 2, strides=(2, 1, 2), padding="same"), (2, 2, 3, 2)),
    case("depthwise conv1d, same, multiplier", lambda k: k.layers.DepthwiseConv1D(3, depth_multiplier=2, padding="same"), (5, 2)),
    case("depthwise conv2d, strides", lambda k: k.layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu6"), (5, 6, 3)),
    case(
        "depthwise conv2d, dilated, multiplier", lambda k: k.layers.DepthwiseConv2D((2, 3), dilation_rate=2, depth_multiplier=3), (5, 6, 2)
    ),
    case("separable conv1d", lambda k: k.layers.SeparableConv1D(3, 2, strides=2, padding="same", depth_multiplier=2), (5, 2)),
    case("separable conv2d", lambda k: k.layers.SeparableConv2D(3, 3, activation="relu"), (4, 5, 2)),
    case(
        "separable conv2d, same, strides, multiplier",
        lambda k: k.layers.SeparableConv2D(2, 2, strides=2, padding="same", depth_multiplier=2),
        (5, 4, 2),
    ),
    case(
        "separable conv2d, strides and dilated",
        lambda k: k.layers.SeparableConv2D(2, 2, strides=2, dilation_rate=2, padding="same"),
        (6, 5, 2),
    ),
    case(
        "depthwise conv2d, channels first", lambda k: k.layers.DepthwiseConv2D(2, padding="same", data_format="channels_first"), (2, 4, 5)
    ),
    case(
        "separable conv2d, channels first",
        lambda k: k.layers.SeparableConv2D(3, 2, activation="softmax", data_format="channels_first"),
        (2, 4, 5),
    ),
]
