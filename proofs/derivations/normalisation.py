"""Gradients of batch normalisation, with the batch's own statistics and with given ones; for all sizes."""

from typing import Any

from sympy import Integer, KroneckerDelta, Sum, Symbol, sqrt

from proofs.derivations.symbols import arrays, at_sizes, integers
from proofs.layer_signals import BATCH, CHANNEL, INPUT_CHANNEL, OTHER_VALUES, SAMPLE, SAMPLES, SLICE, VALUES
from proofs.rules import ARITHMETIC, DIFFERENTIATE, add_equal, collapse, fold, known, rename, unfold
from proofs.signals import At, D, Signal
from proofs.tiers.derivation import Derivation, Models, Step, chain
from proofs.training_signals import BatchNorm, BatchNormInference, Deviation, Mean, Variance

X, G = arrays("x g")
(P,) = integers("p")
INSIDE = "p is one of them"
SCALE, SHIFT = (array[CHANNEL] for array in arrays("scale shift"))
GIVEN_MEAN, GIVEN_VARIANCE = (array[CHANNEL] for array in arrays("mean variance"))
EPSILON = Symbol("ε", positive=True)
NORM = "batch normalisation"
POSITIVE = ("variance + ε > 0",)
LOSS = Sum(G[SAMPLE] * At(BatchNorm(X, SCALE, SHIFT, EPSILON), SAMPLE), SAMPLES)
NORM_MEANS = {
    **dict.fromkeys((SAMPLE, INPUT_CHANNEL, SLICE), "value of the channel"),
    P: "the value by which L is differentiated",
    CHANNEL: "the channel",
    BATCH: "number of values",
    EPSILON: "a small number",
}


def batch_normalisation() -> Derivation:
    """The input stands in its own term, in the mean and in the variance, whose own mean deviation is 0."""
    j, mean, variance = SLICE, At(Mean(X)), At(Variance(X))
    deviation, others = At(Deviation(X, EPSILON)), KroneckerDelta(j, P)
    total = Sum(X[j], OTHER_VALUES)
    deviations = chain(
        Sum(X[j] - mean, OTHER_VALUES),
        (total - BATCH * mean, add_equal(OTHER_VALUES)),
        (total - Sum(X[INPUT_CHANNEL], VALUES), unfold(Mean, "the mean")),
        (Integer(0), rename((VALUES, OTHER_VALUES)), "the same sum"),
    )
    of_mean = chain(
        D(mean, X[P]),
        (D(Sum(X[INPUT_CHANNEL], VALUES) / BATCH, X[P]), unfold(Mean, "the mean")),
        (Sum(KroneckerDelta(INPUT_CHANNEL, P), VALUES) / BATCH, DIFFERENTIATE),
        (1 / BATCH, collapse((INPUT_CHANNEL, P)), INSIDE),
    )
    of_variance = chain(
        D(variance, X[P]),
        (D(Sum((X[j] - mean) ** 2, OTHER_VALUES) / BATCH, X[P]), unfold(Variance, "the variance")),
        (Sum(2 * (X[j] - mean) * (others - D(mean, X[P])), OTHER_VALUES) / BATCH, DIFFERENTIATE),
        (
            Sum(2 * (X[j] - mean) * (others - 1 / BATCH), OTHER_VALUES) / BATCH,
            known((of_mean[0].left, of_mean[-1].right)),
        ),
        (
            2 * Sum(others * (X[j] - mean), OTHER_VALUES) / BATCH - 2 * deviations[0].left / BATCH**2,
            ARITHMETIC,
        ),
        (2 * (X[P] - mean) / BATCH - 2 * deviations[0].left / BATCH**2, collapse((j, P)), INSIDE),
        (2 * (X[P] - mean) / BATCH, known((deviations[0].left, Integer(0)))),
    )
    of_deviation = chain(
        D(deviation, X[P]),
        (D(sqrt(variance + EPSILON), X[P]), unfold(Deviation, "the deviation")),
        (D(variance, X[P]) / (2 * sqrt(variance + EPSILON)), DIFFERENTIATE),
        (
            (X[P] - mean) / (BATCH * sqrt(variance + EPSILON)),
            known((of_variance[0].left, of_variance[-1].right)),
        ),
        ((X[P] - mean) / (BATCH * deviation), fold(Deviation, "the deviation")),
    )
    steps = (*deviations, *of_mean, *of_variance, *of_deviation)
    of_loss = _of_loss(*((found[0].left, found[-1].right) for found in (of_mean, of_deviation)))
    normal = (X[SAMPLE] - mean) / deviation
    by_scale = _by_parameter(LOSS, BatchNorm, normal, SCALE, Sum(G[SAMPLE] * normal, SAMPLES))
    by_shift = _by_parameter(LOSS, BatchNorm, normal, SHIFT, Sum(G[SAMPLE], SAMPLES))
    goals = tuple((each[0].left, each[-1].right) for each in (of_loss, by_scale, by_shift))
    scope = "the input, scale and shift gradients, in one channel of any number of values"
    steps = (*steps, *of_loss, *by_scale, *by_shift)
    return Derivation(goals, steps, _models("x g scale shift"), scope, POSITIVE, NORM_MEANS)


def inference() -> Derivation:
    """With given statistics every value is affine in its own input, in scale and in shift."""
    n, root = SAMPLE, sqrt(GIVEN_VARIANCE + EPSILON)
    y = At(BatchNormInference(X, GIVEN_MEAN, GIVEN_VARIANCE, SCALE, SHIFT, EPSILON), n)
    loss, normal = Sum(G[n] * y, SAMPLES), (X[n] - GIVEN_MEAN) / root
    by_input = chain(
        D(loss, X[P]),
        (D(Sum(G[n] * (SCALE * normal + SHIFT), SAMPLES), X[P]), unfold(BatchNormInference, NORM)),
        (Sum(KroneckerDelta(n, P) * G[n] * SCALE / root, SAMPLES), DIFFERENTIATE),
        (G[P] * SCALE / root, collapse((n, P)), INSIDE),
    )
    by_scale = _by_parameter(loss, BatchNormInference, normal, SCALE, Sum(G[n] * normal, SAMPLES))
    by_shift = _by_parameter(loss, BatchNormInference, normal, SHIFT, Sum(G[n], SAMPLES))
    mean, variance = At(Mean(X)), At(Variance(X))
    own = chain(
        At(BatchNormInference(X, mean, variance, SCALE, SHIFT, EPSILON), n),
        (SCALE * (X[n] - mean) / sqrt(variance + EPSILON) + SHIFT, unfold(BatchNormInference, NORM)),
        (SCALE * (X[n] - mean) / At(Deviation(X, EPSILON)) + SHIFT, fold(Deviation, "the deviation")),
        (At(BatchNorm(X, SCALE, SHIFT, EPSILON), n), fold(BatchNorm, NORM)),
    )
    chains = (by_input, by_scale, by_shift, own)
    goals = tuple((each[0].left, each[-1].right) for each in chains)
    steps = tuple(step for each in chains for step in each)
    scope = "the input, scale and shift gradients, and the batch's own statistics; one channel of any number of values"
    return Derivation(goals, steps, _models("x g scale shift mean variance"), scope, POSITIVE, NORM_MEANS)


def _by_parameter(loss: Any, kind: type[Signal], normal: Any, parameter: Any, found: Any) -> tuple[Step, ...]:
    """Derivative of `⟨g, y⟩` by scale or shift, which stand in `y = scale·normal + shift` alone."""
    return chain(
        D(loss, parameter),
        (D(Sum(G[SAMPLE] * (SCALE * normal + SHIFT), SAMPLES), parameter), unfold(kind, NORM)),
        (found, DIFFERENTIATE),
    )


def _models(names: str) -> Models:
    return at_sizes(
        {BATCH: range(2, 3), P: range(2), CHANNEL: range(1), SAMPLE: range(2), EPSILON: range(1, 4)},
        lambda sizes: {name: [range(sizes[BATCH] if name in ("x", "g") else 1)] for name in names.split()},
        lambda sizes: sizes[P] < sizes[BATCH],
        most=3,
        expressions=True,
    )


def _of_loss(*known_derivatives: tuple[Any, Any]) -> tuple[Step, ...]:
    """From the derivative of `⟨g, batch_norm(x)⟩` to the formula, given those of mean and deviation."""
    n, mean, deviation, own = SAMPLE, At(Mean(X)), At(Deviation(X, EPSILON)), KroneckerDelta(SAMPLE, P)
    (of_mean, by_mean), (of_deviation, by_deviation) = known_derivatives
    centred, all_g = X[n] - mean, Sum(G[n], SAMPLES)

    def line(by_mean: Any, by_deviation: Any) -> Any:
        slope = (own - by_mean) / deviation - centred * by_deviation / deviation**2
        return Sum(G[n] * SCALE * slope, SAMPLES)

    def formula(own: Any) -> Any:
        through = (X[P] - mean) * Sum(G[n] * centred, SAMPLES) / (BATCH * deviation**2)
        return SCALE / deviation * (own - all_g / BATCH - through)

    return chain(
        D(LOSS, X[P]),
        (D(Sum(G[n] * (SCALE * centred / deviation + SHIFT), SAMPLES), X[P]), unfold(BatchNorm, NORM)),
        (line(of_mean, of_deviation), DIFFERENTIATE),
        (line(by_mean, by_deviation), known(*known_derivatives)),
        (formula(Sum(own * G[n], SAMPLES)), ARITHMETIC),
        (formula(G[P]), collapse((n, P)), INSIDE),
    )
