"""Cases of layers that only ``keras.applications`` has."""

from tests.cases import case


def of(k, network, name):
    """A layer class by the network of ``keras.applications`` that it is made for."""
    import importlib

    src = "keras.src" if k.__name__ == "keras" else "tf_keras.src"
    return getattr(importlib.import_module(f"{src}.applications.{network}"), name)


CASES = [
    case("layer scale", lambda k: of(k, "convnext", "LayerScale")(1e-6, 4), (3, 3, 4)),
    case("stochastic depth", lambda k: of(k, "convnext", "StochasticDepth")(0.2), (3, 3, 4)),
    case("custom scale layer", lambda k: of(k, "inception_resnet_v2", "CustomScaleLayer")(0.17), (3, 3, 4), (3, 3, 4)),
]
