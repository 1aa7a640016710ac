"""Faults in the layers as objects, the network and its optimiser."""

from tests.meta.planted.fault import edits

LAYERS, ADAM = "numeric.layers", "numeric.optimisers.Adam.step"

FAULTS = edits(
    "network",
    "network",
    (f"{LAYERS}.Layer.accumulate", "gradients overwritten", "self.gradients[name] + gradient if", "gradient if"),
    (f"{LAYERS}.BatchNorm._forward", "batch statistics at inference", "if not self.training:", "if False:"),
    (f"{LAYERS}.BatchNorm._forward", "statistics do not move", "self.mean, self.variance = running", "pass"),
    (f"{LAYERS}.Dropout._forward", "drops at inference", "if not self.training:", "if False:"),
    (f"{LAYERS}.Dropout._forward", "mask inverted", ">= self.rate", "< self.rate"),
    (
        f"{LAYERS}.Dropout._input_gradient",
        "passes everything back",
        "dropout_input_gradient(g, self.mask, self.rate) if self.training else g",
        "g",
    ),
    (
        "numeric.network.Sequential.loss_and_gradients",
        "gradient of the sum",
        ", 1, losses.dtype) / len(losses)",
        ", 1, losses.dtype)",
    ),
    ("numeric.network.Sequential.loss_and_gradients", "gradients never cleared", "if not accumulate:", "if False:"),
    ("numeric.network.glorot_uniform", "He's limit", " + shape[0] * prod(shape[2:])", ""),
    ("numeric.network.he_uniform", "channels without the kernel's taps", "prod(shape[1:])", "shape[1]"),
    (ADAM, "no correction of the moments", "/ (1 - self.beta_1**self._steps)", "* 1"),
    (
        ADAM,
        "epsilon under the root",
        "np.sqrt(square, out=room)",
        "np.sqrt(square + self.epsilon, out=room); room -= self.epsilon",
    ),
    (ADAM, "decay as a gradient", "g = gradients[name]", "g = gradients[name] + self.weight_decay * parameter"),
    ("numeric.optimisers.one_cycle", "never comes back down", "1 + cos(pi", "1 - cos(pi"),
    symbolic=False,
)
