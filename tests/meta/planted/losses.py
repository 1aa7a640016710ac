"""Faults in softmax, its logarithm and the cross-entropy."""

from tests.meta.planted.fault import edits

LOSS, LOSS_GRADIENT = "numeric.softmax_cross_entropy", "numeric.softmax_cross_entropy_input_gradient"

FAULTS = [
    *edits(
        "losses",
        "losses",
        ("numeric.losses._row_sums", "summed over the batch", "axis=1", "axis=0"),
        ("numeric.softmax", "not normalised", "_softmax(x)", "np.exp(_shifted(x))"),
        ("numeric.softmax_input_gradient", "diagonal Jacobian", "p * (g - _row_sums(g * p))", "g * p * (1 - p)"),
        ("numeric.softmax_input_gradient", "mean cotangent not weighted", "_row_sums(g * p)", "_row_sums(g)"),
        ("numeric.log_softmax", "only the largest term of the sum", "_log_softmax(x)", "_shifted(x)"),
        ("numeric.log_softmax_input_gradient", "takes the cotangent to sum to 1", " * _row_sums(g)", ""),
        (LOSS, "label off by one", "labels[:, None], 1)", "labels[:, None] - 1, 1)"),
        (LOSS, "probability instead of its logarithm", "target * _log_softmax(x)", "target * _softmax(x)"),
        (LOSS_GRADIENT, "takes the target to sum to 1", " * _row_sums(weights)", ""),
        (LOSS_GRADIENT, "target minus probability", "g[:, None] * (", "-g[:, None] * ("),
        (LOSS_GRADIENT, "cotangent ignored", "g[:, None] * (", "(0 * g[:, None] + 1) * ("),
        ("numeric.softmax_cross_entropy_target_gradient", "sign", "return -g", "return g"),
        (LOSS, "mean over the batch", "labels[:, None], 1)[:, 0]", "labels[:, None], 1)[:, 0] / max(len(x), 1)"),
    ),
    *edits(
        "losses",
        "losses",
        ("numeric.losses._shifted", "no shift, which overflows", "x - x.max(axis=1, keepdims=True)", "x"),
        (
            "numeric.losses._shifted",
            "shifted by the maximum of all rows",
            "x.max(axis=1, keepdims=True)",
            "x.max(axis=None if x.size else 1, keepdims=True)",
        ),
        ("numeric.log_softmax", "log(softmax(x)), which underflows", "_log_softmax(x)", "np.log(_softmax(x))"),
        ("numeric.losses._expect_labels", "negative labels taken", "(labels < 0) | ", ""),
        symbolic=False,
    ),
]
