"""Recipes: everything but the seed and the data that determines a training, as plain data.

A new recipe is one entry in `RECIPES`; a new field is one line here, with how the command line calls and reads it.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from training import values
from training.errors import UsageError
from training.values import Convolution

IMAGE_SIDE = 28  # pixels of a digit, along both axes
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
GRADIENTS = ("autodiff", "proved")


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
class Augmentation:
    """How far each training image is moved at random, uniformly to either side, anew in every epoch."""

    shift: float = _field(values.nonnegative, "pixels, down and right", default=0.0)
    rotation: float = _field(values.nonnegative, "degrees, about the centre", default=0.0)
    scale: float = _field(values.share, "share of the size", default=0.0)

    @property
    def any(self) -> bool:
        """Whether images are moved at all."""
        return bool(self.shift or self.rotation or self.scale)


@dataclass(frozen=True)
class Recipe:
    """A training: the network, the optimizer, how often the data is seen, in what portions and how changed.

    `about` is a line for the help.
    """

    name: str
    about: str
    network: Network
    optimizer: Adam
    epochs: int = _field(values.integer(1), "times that the training images are seen; the schedule is stretched")
    batch_size: int = _field(values.integer(1), "images per step")
    augmentation: Augmentation = Augmentation()
    label_smoothing: float = _field(values.share, "share of the target that is spread over all digits", default=0.0)
    ema: float = _field(
        values.share, "how much of the running average of weights stays each step; 0: none", default=0.0
    )
    patience: int = _field(
        values.integer(0),
        "epochs with no lower validation loss that end it, with the best; 0: never",
        default=0,
    )
    precision: str = _field(
        values.choice(*PRECISIONS), f"of the arithmetic: {', '.join(PRECISIONS)}", default="float32"
    )
    gradients: str = _field(
        values.choice(*GRADIENTS),
        "of convolutions: autodiff, the framework's own; proved, the sheet's, as convolutions with rotated arrays",
        default="autodiff",
    )


FAST = Recipe(
    name="fast",
    about="two small convolutions, one epoch of one-cycle Adam",
    network=Network(convolutions=(Convolution(16, 5), Convolution(32, 3)), dense=256),
    optimizer=Adam(learning_rate=0.01, beta_1=0.7, beta_2=0.9, warmup=0.1),
    epochs=1,
    batch_size=256,
    label_smoothing=0.1,
    precision="auto",
)

BALANCED = Recipe(
    name="balanced",
    about="four convolutions with batch normalisation, images moved a little, weights averaged",
    network=Network(
        convolutions=(
            Convolution(24, 5),
            Convolution(48, 3, pooling=1),
            Convolution(48, 3),
            Convolution(64, 3, pooling=1),
        ),
        dense=0,
        normalise=True,
    ),
    optimizer=Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.99, warmup=0.2),
    epochs=5,
    batch_size=256,
    augmentation=Augmentation(shift=1.5, rotation=8.0, scale=0.08),
    label_smoothing=0.05,
    ema=0.99,
    precision="auto",
)

ACCURATE = replace(
    BALANCED,
    name="accurate",
    about="more kernels and dropout, images moved further, for longer",
    network=Network(
        convolutions=(
            Convolution(32, 5),
            Convolution(64, 3, pooling=1),
            Convolution(64, 3),
            Convolution(64, 3, pooling=1),
        ),
        dense=0,
        dropout=0.2,
        normalise=True,
    ),
    epochs=24,
    augmentation=Augmentation(shift=2.0, rotation=10.0, scale=0.1),
    ema=0.998,
)

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

MEASURED = {
    "fast": "99.12 % (99.02 to 99.20, 20 seeds), 2 s in bfloat16; 99.10 % (98.99 to 99.26), 3 s in float32",
    "balanced": "99.60 % (99.56 to 99.64, 10 seeds), 37 to 65 s in bfloat16",
    "accurate": "99.68 % (99.62 to 99.72, 5 seeds, --no-validate), 324 to 590 s in bfloat16 beside other work",
    "sheet": "99.23 % (99.18 to 99.30, 3 seeds), 238 to 365 s beside other work",
    "keras-example": "99.15 % (99.09 to 99.19, 3 seeds), 187 to 208 s",
}
"""Mean accuracy on the test set, its range, and the warm clock on 2 cores, for the help; the README says how."""


def require_fitting(network: Network) -> None:
    """Raise `UsageError` if a layer of `network` would have nothing to read."""
    side = IMAGE_SIDE
    for layer in network.convolutions:
        inner = side if layer.padding == "same" else side - layer.width + 1
        if inner < layer.pooling:
            raise UsageError(f"--convolutions: expected layers that fit what they read, got {layer} on {side} x {side}")
        side = inner // layer.pooling
