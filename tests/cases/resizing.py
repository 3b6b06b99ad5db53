"""Cases of ``weightlens.layers.preprocessing.resizing``."""

from tests.cases import case

FIRST = {"data_format": "channels_first"}
WEIGHTED = ("bilinear", "bicubic", "lanczos3", "lanczos5")


def resizing(name, shape, height, width, **options):
    """One case of the Resizing layer."""
    return case(name, lambda k: k.layers.Resizing(height, width, **options), shape)


CASES = [resizing(f"resizing, {i}, larger and smaller", (5, 7, 2), 8, 4, interpolation=i) for i in ("nearest", *WEIGHTED)]
CASES += [resizing(f"resizing, {i}, antialias", (9, 11, 1), 4, 5, interpolation=i, antialias=True) for i in WEIGHTED]
CASES += [
    resizing("resizing, nearest, thirds", (6, 9, 1), 4, 6, interpolation="nearest"),
    resizing("resizing, one pixel", (4, 1, 1), 1, 3),
    resizing("resizing, same size", (4, 4, 1), 4, 4),
    resizing("resizing, cropped to aspect ratio", (6, 9, 2), 4, 4, crop_to_aspect_ratio=True),
    resizing("resizing, cropped, taller", (9, 4, 1), 3, 5, crop_to_aspect_ratio=True),
    resizing("resizing, padded to aspect ratio", (5, 8, 1), 4, 4, pad_to_aspect_ratio=True, fill_value=0.5),
    resizing("resizing, padded, odd", (7, 4, 1), 3, 3, pad_to_aspect_ratio=True),
    case(
        "resizing, whole numbers",
        lambda k: lambda x: k.layers.Resizing(7, 5, interpolation="lanczos5")(x),
        (3, 4, 1),
        dtype="uint8",
        data=lambda rng, shape: rng.integers(0, 256, size=shape),
    ),
    resizing("resizing, channels first", (2, 5, 6), 3, 4, **FIRST),
    case("center crop", lambda k: k.layers.CenterCrop(3, 4), (6, 7, 2)),
    case("center crop, channels first", lambda k: k.layers.CenterCrop(3, 4, **FIRST), (2, 6, 7)),
    case("center crop, small images", lambda k: k.layers.CenterCrop(6, 4), (4, 6, 2)),
    case("up sampling 2D", lambda k: k.layers.UpSampling2D((2, 3)), (2, 3, 2)),
    case("up sampling 2D, channels first", lambda k: k.layers.UpSampling2D(2, **FIRST), (2, 2, 3)),
    case("up sampling 2D, bilinear, channels first", lambda k: k.layers.UpSampling2D(2, interpolation="bilinear", **FIRST), (2, 2, 3)),
]
CASES += [case(f"up sampling 2D, {i}", lambda k, i=i: k.layers.UpSampling2D((2, 3), interpolation=i), (3, 4, 1)) for i in WEIGHTED]
