"""Cases of layers that act in training only: each hands on its input at inference."""

from tests.cases import case, of_applications

PLAIN = ("ActivityRegularization", "Identity")
WITH_RATE = ("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise")

CASES = [case(name, lambda k, name=name: getattr(k.layers, name)(), (3, 4)) for name in PLAIN]
CASES += [case(name, lambda k, name=name: getattr(k.layers, name)(0.4), (3, 4)) for name in WITH_RATE]
CASES += [
    case("dropout of a vector", lambda k: k.layers.Dropout(0.4), (4,)),
    case("SpatialDropout1D", lambda k: k.layers.SpatialDropout1D(0.4), (3, 4)),
    case("SpatialDropout2D", lambda k: k.layers.SpatialDropout2D(0.4), (3, 2, 2)),
    case("SpatialDropout3D", lambda k: k.layers.SpatialDropout3D(0.4), (2, 2, 2, 2)),
    case("RandomFlip", lambda k: k.layers.RandomFlip(), (4, 4, 3)),
    case("RandomRotation", lambda k: k.layers.RandomRotation(0.2), (4, 4, 3)),
    case("RandomZoom", lambda k: k.layers.RandomZoom(0.2), (4, 4, 3)),
    case("RandomTranslation", lambda k: k.layers.RandomTranslation(0.2, 0.2), (4, 4, 3)),
    case("RandomContrast", lambda k: k.layers.RandomContrast(0.2), (4, 4, 3)),
    case("RandomCrop", lambda k: k.layers.RandomCrop(4, 4), (4, 4, 3)),
    case("stochastic depth", lambda k: of_applications(k, "convnext", "StochasticDepth")(0.2), (3, 3, 4)),
]
