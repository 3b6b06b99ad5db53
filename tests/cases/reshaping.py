"""Cases of ``weightlens.layers.reshaping``."""

from tests.cases import case

FIRST = {"data_format": "channels_first"}

CASES = [
    case("flatten", lambda k: k.layers.Flatten(), (2, 3, 4)),
    case("flatten, channels first", lambda k: k.layers.Flatten(**FIRST), (2, 3, 4)),
    case("flatten, vectors", lambda k: k.layers.Flatten(), (4,)),
    case("flatten, scalars", lambda k: k.layers.Flatten(), ()),
    case("reshape", lambda k: k.layers.Reshape((3, 4)), (2, 6)),
    case("reshape, one size left open", lambda k: k.layers.Reshape((2, -1, 3)), (4, 6)),
    case("reshape, null", lambda k: k.layers.Reshape((None, 3)), (2, 6)),
    case("permute", lambda k: k.layers.Permute((3, 1, 2)), (2, 3, 4)),
    case("repeat vector", lambda k: k.layers.RepeatVector(3), (4,)),
    case("cropping 1D", lambda k: k.layers.Cropping1D((1, 2)), (6, 2)),
    case("cropping 1D, nothing at the end", lambda k: k.layers.Cropping1D((2, 0)), (6, 2)),
    case("cropping 2D", lambda k: k.layers.Cropping2D(((1, 0), (0, 2))), (5, 6, 2)),
    case("cropping 2D, one number an axis", lambda k: k.layers.Cropping2D((1, 2)), (5, 6, 2)),
    case("cropping 2D, channels first", lambda k: k.layers.Cropping2D(((1, 0), (1, 2)), **FIRST), (2, 5, 6)),
    case("cropping 3D", lambda k: k.layers.Cropping3D(((0, 1), (1, 0), (1, 1))), (3, 4, 5, 2)),
    case("zero padding 1D", lambda k: k.layers.ZeroPadding1D((1, 2)), (3, 2)),
    case("zero padding 1D, one number", lambda k: k.layers.ZeroPadding1D(2), (3, 2)),
    case("zero padding 2D", lambda k: k.layers.ZeroPadding2D(((1, 0), (2, 1))), (3, 2, 2)),
    case("zero padding 2D, channels first", lambda k: k.layers.ZeroPadding2D((1, 2), **FIRST), (2, 3, 2)),
    case("zero padding 3D", lambda k: k.layers.ZeroPadding3D((1, 0, 2)), (2, 3, 2, 2)),
    case("up sampling 1D", lambda k: k.layers.UpSampling1D(3), (3, 2)),
    case("up sampling 3D", lambda k: k.layers.UpSampling3D((1, 2, 3)), (2, 2, 2, 2)),
    case("up sampling 3D, channels first", lambda k: k.layers.UpSampling3D(2, **FIRST), (2, 2, 2, 3)),
]
