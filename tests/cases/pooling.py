"""Cases of ``weightlens.layers.convolution.pooling``."""

from tests.cases import case

FIRST = {"data_format": "channels_first"}


def below(rng, shape):
    """Numbers below 0: a maximum or a mean that counts the padding as 0 is seen."""
    return rng.normal(-5, 1, size=shape)


def ending(rng, shape):
    """Sequences that end in masked time steps."""
    x = rng.normal(size=shape)
    x[0, -1:], x[1, -2:] = 0.0, 0.0
    return x


CASES = [
    case("max pooling 1D", lambda k: k.layers.MaxPooling1D(), (5, 2)),
    case("max pooling 1D, same, strides", lambda k: k.layers.MaxPooling1D(3, strides=2, padding="same"), (6, 2), data=below),
    case("max pooling 1D, channels first", lambda k: k.layers.MaxPooling1D(2, **FIRST), (2, 5)),
    case("max pooling 2D", lambda k: k.layers.MaxPooling2D((2, 3)), (4, 6, 2)),
    case("max pooling 2D, same", lambda k: k.layers.MaxPooling2D(2, padding="same"), (5, 3, 2), data=below),
    case("max pooling 2D, overlapping", lambda k: k.layers.MaxPooling2D(3, strides=(1, 2), padding="same"), (5, 4, 2), data=below),
    case("max pooling 2D, channels first", lambda k: k.layers.MaxPooling2D(2, padding="same", **FIRST), (2, 5, 3), data=below),
    case("max pooling 3D", lambda k: k.layers.MaxPooling3D(2, padding="same"), (3, 4, 3, 2), data=below),
    case("average pooling 1D", lambda k: k.layers.AveragePooling1D(3, strides=1), (5, 2)),
    case("average pooling 1D, same", lambda k: k.layers.AveragePooling1D(3, strides=2, padding="same"), (6, 2), data=below),
    case("average pooling 2D", lambda k: k.layers.AveragePooling2D(2), (4, 5, 2)),
    case("average pooling 2D, same", lambda k: k.layers.AveragePooling2D((3, 2), strides=2, padding="same"), (5, 5, 2), data=below),
    case("average pooling 2D, channels first", lambda k: k.layers.AveragePooling2D(2, padding="same", **FIRST), (2, 3, 5), data=below),
    case("average pooling 3D, same", lambda k: k.layers.AveragePooling3D(2, padding="same"), (3, 4, 3, 2), data=below),
    case("average pooling 3D, cell over", lambda k: k.layers.AveragePooling3D((1, 2, 1), strides=(2, 3, 2), padding="same"), (4, 5, 6, 1)),
    case("global max pooling 1D", lambda k: k.layers.GlobalMaxPooling1D(), (5, 2)),
    case("global max pooling 2D, keepdims", lambda k: k.layers.GlobalMaxPooling2D(keepdims=True), (3, 4, 2)),
    case("global max pooling 3D, channels first", lambda k: k.layers.GlobalMaxPooling3D(**FIRST), (2, 3, 2, 4)),
    case("global average pooling 1D, channels first", lambda k: k.layers.GlobalAveragePooling1D(keepdims=True, **FIRST), (2, 5)),
    case(
        "global average pooling 1D, masked",
        lambda k: lambda x: k.layers.GlobalAveragePooling1D()(k.layers.Masking()(x)),
        (5, 2),
        data=ending,
    ),
    case("global average pooling 2D", lambda k: k.layers.GlobalAveragePooling2D(), (3, 4, 2)),
    case("global average pooling 2D, channels first", lambda k: k.layers.GlobalAveragePooling2D(keepdims=True, **FIRST), (2, 3, 4)),
    case("global average pooling 3D", lambda k: k.layers.GlobalAveragePooling3D(), (2, 3, 2, 2)),
    case("adaptive average pooling 1D", lambda k: k.layers.AdaptiveAveragePooling1D(3), (5, 2)),
    case("adaptive average pooling 2D", lambda k: k.layers.AdaptiveAveragePooling2D((2, 3)), (5, 4, 2)),
    case("adaptive average pooling 3D", lambda k: k.layers.AdaptiveAveragePooling3D((2, 1, 2)), (3, 2, 4, 2)),
    case("adaptive max pooling 1D, channels first", lambda k: k.layers.AdaptiveMaxPooling1D(2, **FIRST), (2, 5)),
    case("adaptive max pooling 2D", lambda k: k.layers.AdaptiveMaxPooling2D((4, 3)), (7, 5, 2)),
    case("adaptive max pooling 3D", lambda k: k.layers.AdaptiveMaxPooling3D(2), (3, 4, 5, 2)),
]
