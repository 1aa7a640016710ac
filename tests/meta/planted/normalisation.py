"""Faults in batch normalisation and dropout."""

from tests.meta.planted.fault import edits

UNBIASED = "_sum(centred * centred) / max(centred.size // centred.shape[1] - 1, 1)"
DX, INFERENCE = "numeric.batch_norm_input_gradient", "numeric.batch_norm_inference"

FAULTS = [
    *edits(
        "batch normalisation",
        "normalisation",
        ("numeric.batch_statistics", "unbiased variance", "_mean(centred * centred)", f"({UNBIASED})"),
        ("numeric.normalisation._normal", "unbiased variance", "_mean(centred * centred)", UNBIASED),
        ("numeric.normalisation._sum", "channels mixed", "(0, *range(2, x.ndim))", "tuple(range(x.ndim))"),
        (
            "numeric.batch_norm",
            "shifted before it is scaled",
            "normal * _spread(scale, x) + _spread(shift, x)",
            "(normal + _spread(shift, x)) * _spread(scale, x)",
        ),
        (DX, "without the mean's path", "g - _mean(g) - ", "g - "),
        (DX, "without the variance's path", " - normal * _mean(g * normal)", ""),
        (DX, "scale forgotten", "_spread(scale, x) / root * centred", "centred / root"),
        ("numeric.batch_norm_scale_gradient", "not normalised", "_normal(x, epsilon)[0]", "_centred(x)[1]"),
        (
            "numeric.batch_norm_shift_gradient",
            "mean instead of sum",
            "_sum(g).reshape(-1)",
            "_sum(g / max(len(g), 1)).reshape(-1)",
        ),
        (INFERENCE, "mean added", "x - _spread(mean, x)", "x + _spread(mean, x)"),
        (f"{INFERENCE}_input_gradient", "scale forgotten", "_spread(scale, g) / ", "1 / "),
        (f"{INFERENCE}_scale_gradient", "mean not taken out", "(x - _spread(mean, x))", "x"),
    ),
    *edits(
        "batch normalisation",
        "normalisation",
        (
            "numeric.running_statistics",
            "momentum of the new ones",
            "old * mean + new * batch[0]",
            "new * mean + old * batch[0]",
        ),
        (
            "numeric.running_statistics",
            "variance keeps the old one",
            "old * variance + new * batch[1]",
            "variance + 0 * batch[1]",
        ),
        (
            "numeric.batch_statistics",
            "mean of squares less square of the mean, which cancels",
            "_mean(centred * centred)",
            "(_mean((centred + mean) * (centred + mean)) - mean * mean)",
        ),
        (
            "numeric.normalisation._root",
            "a variance of 0 divides",
            "(square <= 0).any()",
            "(square < 0).any()",
        ),
        symbolic=False,
    ),
    *edits(
        "dropout",
        "dropout",
        ("numeric.dropout", "not scaled", '"x", x, mask, rate', '"x", x, mask, 0 * rate'),
        ("numeric.dropout._dropped", "scaled down", "kept / scalar", "kept * scalar"),
        ("numeric.dropout._dropped", "mask inverted", "x * kept", "x * (1 - kept)"),
        ("numeric.dropout_input_gradient", "not scaled", '"g", g, mask, rate', '"g", g, mask, 0 * rate'),
    ),
]
