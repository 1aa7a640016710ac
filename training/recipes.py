"""Recipes: everything but the seed and the data that determines a training, as plain data.

A new recipe is one entry in `RECIPES`; a new field is one line here, with how the command line calls and reads it.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from training import values
from training.values import Convolution


def _field(parse: values.Parse, about: str, **default: Any) -> Any:
    return field(metadata={"parse": parse, "about": about}, **default)


@dataclass(frozen=True)
class Network:
    """Convolutions in order, one dense layer with ReLU (or none), dropout, and a softmax over ten digits."""

    convolutions: tuple[Convolution, ...] = _field(values.convolutions, "KERNELSxWIDTH[s][/POOLING], with commas")
    dense: int = _field(values.integer(0), "units of the hidden dense layer; 0: none")
    dropout: float = _field(values.share, "rate of dropout before the last layer", default=0.0)
    normalise: bool = _field(values.flag, "batch normalisation after each convolution: yes or no", default=False)


@dataclass(frozen=True)
class Adam:
    """Adam; its learning rate is constant, or with a `warmup` (share of all steps) follows one cycle.

    One cycle rises in a straight line from zero to `learning_rate`, then falls along a cosine to zero.
    """

    learning_rate: float = _field(values.positive, "peak of the one cycle, or the constant rate")
    beta_1: float = _field(values.share, "Adam's memory of gradients", default=0.9)
    beta_2: float = _field(values.share, "Adam's memory of their squares", default=0.999)
    warmup: float | None = _field(
        values.optional(values.share), "share of steps to the peak; none: constant rate", default=None
    )


@dataclass(frozen=True)
class Recipe:
    """A training: the network, the optimizer, how often the data is seen and in what portions.

    `about` is a line for the help.
    """

    name: str
    about: str
    network: Network
    optimizer: Adam
    epochs: int = _field(values.integer(1), "times that the training images are seen; the schedule is stretched")
    batch_size: int = _field(values.integer(1), "images per step")


FAST = Recipe(
    name="fast",
    about="two small convolutions, one epoch of one-cycle Adam",
    network=Network(convolutions=(Convolution(24, 5), Convolution(32, 3)), dense=256),
    optimizer=Adam(learning_rate=0.01, beta_1=0.7, beta_2=0.9, warmup=0.1),
    epochs=1,
    batch_size=256,
)

_DEEP = Network(
    convolutions=(
        Convolution(32, 3, pooling=1),
        Convolution(32, 3),
        Convolution(64, 3, pooling=1),
        Convolution(64, 3),
        Convolution(64, 3),
    ),
    dense=0,
    normalise=True,
)

BALANCED = Recipe(
    name="balanced",
    about="five 3x3 convolutions with batch normalisation, a few epochs",
    network=_DEEP,
    optimizer=Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.99, warmup=0.2),
    epochs=4,
    batch_size=256,
)

ACCURATE = replace(BALANCED, name="accurate", about="the network of `balanced`, trained for longer", epochs=16)

SHEET = Recipe(
    name="sheet",
    about="the kind of network that exercises of 2018 used: two 5x5 convolutions, dense 1024 with dropout",
    network=Network(convolutions=(Convolution(32, 5, "same"), Convolution(64, 5, "same")), dense=1024, dropout=0.4),
    optimizer=Adam(learning_rate=0.001),
    epochs=5,
    batch_size=128,
)

KERAS_EXAMPLE = Recipe(
    name="keras-example",
    about="Keras's own example `mnist_convnet`, as the yardstick",
    network=Network(convolutions=(Convolution(32, 3), Convolution(64, 3)), dense=0, dropout=0.5),
    optimizer=Adam(learning_rate=0.001),
    epochs=15,
    batch_size=128,
)

RECIPES = {recipe.name: recipe for recipe in (FAST, BALANCED, ACCURATE, SHEET, KERAS_EXAMPLE)}
DEFAULT = FAST.name

MEASURED = dict.fromkeys(RECIPES, "not measured yet")
"""Mean accuracy on the test set, its range, and the time of the whole process on 2 cores, for the help."""
