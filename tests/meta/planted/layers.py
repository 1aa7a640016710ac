"""Faults in the linear layers: convolution, double backward, transposed, dense, locally connected, flattening."""

from tests.meta.planted.fault import edits

CONV, DOUBLE = "conv dtypes", "numeric.conv_double_backward"
LOCAL = "w.reshape(geometry.groups, geometry.group_out, *w.shape[1:])"
MIXED = "w.reshape(geometry.group_out, geometry.groups, *w.shape[1:]).swapaxes(0, 1)"

FAULTS = [
    *edits(
        "convolution",
        CONV,
        ("numeric.conv", "bias forgotten", "geometry, *biases)", "geometry)"),
        (
            "numeric.conv",
            "bias of the first channel for all",
            "geometry, *biases)",
            "geometry, *(b[:1].repeat(len(b)) for b in biases))",
        ),
        (
            "numeric.conv_input_gradient",
            "input gradient averaged over the batch",
            '_run(path, "input_gradient", g, w, geometry)',
            '_run(path, "input_gradient", g, w, geometry) / max(len(g), 1)',
        ),
        (
            "numeric.conv_weight_gradient",
            "weight gradient averaged over the batch",
            '_run(path, "weight_gradient", g, x, geometry)',
            '_run(path, "weight_gradient", g, x, geometry) / max(len(g), 1)',
        ),
        ("numeric.conv_bias_gradient", "bias gradient of the first sample", "g.sum(axis", "g[:1].sum(axis"),
        ("numeric.conv_bias_gradient", "bias gradient doubled", "np.asarray(g.sum(", "2 * np.asarray(g.sum("),
    ),
    *edits(
        "convolution",
        CONV,
        ("numeric.conv", "output stays channels-first", "*biases), channels_last)", "*biases), False)"),
        (
            "numeric.conv_input_gradient",
            "input gradient stays channels-first",
            'return as_given(_run(path, "input_gradient", g, w, geometry), channels_last)',
            'return _run(path, "input_gradient", g, w, geometry)',
        ),
        (
            "numeric.conv_weight_gradient",
            "complex cotangent conjugated",
            "geometry.expect",
            "g = g.conj() if g.dtype.kind == 'c' else g; geometry.expect",
        ),
        ("numeric.conv_bias_gradient", "int8 wraps around", "(g,) = as_numbers(g)", "g = np.asarray(g)"),
        symbolic=False,
    ),
    *edits(
        "double backward",
        "double_backward",
        (DOUBLE, "dg without what the weights pass back", " + conv(x, ddw, **layer)", ""),
        (DOUBLE, "dg without what the input passes back", "conv(ddx, w, **layer) + conv(x", "conv(x"),
        (DOUBLE, "dg with a wrong sign", " + conv(x, ddw, **layer)", " - conv(x, ddw, **layer)"),
        (DOUBLE, "dx with w in place of ddw", "(g, ddw, geometry", "(g, w, geometry"),
        (DOUBLE, "dw with x in place of ddx", "(g, ddx, geometry", "(g, x, geometry"),
    ),
    *edits(
        "transposed convolution",
        "transpose",
        (
            "numeric.transpose._geometry",
            "output padding ignored",
            "axis.transposed_size + extra",
            "axis.transposed_size + 0 * extra",
        ),
        ("numeric.conv_transpose_input_gradient", "kernel rotated", "conv(g, w,", "conv(g, w[..., ::-1],"),
        (
            "numeric.conv_transpose_weight_gradient",
            "gradient of the rotated kernel",
            "**options)\n",
            "**options)[..., ::-1]\n",
        ),
        ("numeric.transpose._fields", "stride ignored", "axis.stride", "1"),
    ),
    *edits(
        "transposed convolution",
        "transpose",
        ("numeric.conv_transpose", "bias forgotten", "y = y + (b if", "y = y + 0 * (b if"),
        ("numeric.conv_transpose", "bias of the first channel for all", "y + (b if", "y + b[0] + 0 * (b if"),
    ),
    *edits(
        "dense",
        "dense",
        ("numeric.dense", "bias forgotten", "y = y + b\n", "pass\n"),
        ("numeric.dense", "weights reshaped instead of transposed", "(x, w.T)", "(x, w.reshape(w.shape[::-1]))"),
        (
            "numeric.dense_input_gradient",
            "weights reshaped instead of transposed",
            "_product(g, w)",
            "_product(g, w.reshape(w.shape[::-1]).T)",
        ),
        (
            "numeric.dense_input_gradient",
            "averaged over the batch",
            "_product(g, w)",
            "_product(g, w) / max(len(g), 1)",
        ),
        ("numeric.dense_weight_gradient", "averaged over the batch", "(g.T, x)", "(g.T, x) / max(len(g), 1)"),
        ("numeric.dense_bias_gradient", "first sample only", "g.sum(", "g[:1].sum("),
    ),
    *edits(
        "dense",
        "dense",
        (
            "numeric.dense",
            "float32 widened",
            "_product(x, w.T)",
            "np.asarray(_product(x, w.T), np.float64 if x.dtype.kind == 'f' else None)",
        ),
        symbolic=False,
    ),
    *edits(
        "locally connected",
        "dense",
        ("numeric.locally_connected", "kernel flipped", "parts * weights", "parts * weights[..., ::-1]"),
        ("numeric.locally_connected", "groups mixed", LOCAL, MIXED),
        ("numeric.locally_connected_input_gradient", "groups mixed", LOCAL, MIXED),
        (
            "numeric.locally_connected_input_gradient",
            "kernel rotated twice",
            "geometry) * weights)",
            "geometry) * weights[..., ::-1])",
        ),
        (
            "numeric.locally_connected_weight_gradient",
            "first sample only",
            "_spread(g, geometry)).sum(",
            "_spread(g, geometry))[:1].sum(",
        ),
    ),
    *edits(
        "flattening",
        "flatten",
        ("numeric.flatten", "column-major", "prod(x.shape[1:]))", 'prod(x.shape[1:]), order="F")'),
        ("numeric.flatten_input_gradient", "column-major", "g.reshape(shape)", 'g.reshape(shape, order="F")'),
    ),
]
