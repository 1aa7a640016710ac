"""Faults in max and average pooling."""

from tests.meta.planted.fault import edits

TABLE = "numeric.paths.compiled.pooling._table"
MAX, AVERAGE = "numeric.max_pool_input_gradient", "numeric.average_pool_input_gradient"
ALL_WINNERS = (
    "overlap_add(np.where(np.asarray(windows(x, geometry) == _with_taps(_largest(x, geometry), geometry), bool) "
    "& _inside(geometry), _with_taps(g, geometry), np.zeros((), g.dtype)), geometry)"
)
LAST_WINS = """for number, (value, inside) in enumerate(parts):
        winner[np.asarray(value == best, bool) & inside] = number
    for value, inside in ():"""
COUNTS = "numeric.pooling._counts"

FAULTS = [
    *edits(
        "max pooling",
        "pooling",
        ("numeric.pooling._parts", "padding's zero wins", "inside[tap]) for tap", "inside[tap] | True) for tap"),
        ("numeric.pooling._windows", "dilation ignored", "**options}", '**options, "dilation": 1}'),
        (MAX, "gradient to the first tap", "winners(x, geometry)", "0 * winners(x, geometry)"),
        (
            MAX,
            "gradient to the mean of the window",
            "give(g, winners(x, geometry), geometry)",
            "overlap_add(np.broadcast_to(_with_taps(g, geometry), (*g.shape, *geometry.kernel_size)), geometry)",
        ),
        ("numeric.max_pool", "minimum", "run(x, geometry)", "-run(-x, geometry)"),
    ),
    *edits(
        "max pooling",
        "pooling",
        (
            "numeric.pooling.winners",
            "last of equal maxima wins",
            "for value, inside in parts[:-1]:",
            LAST_WINS,
        ),
        (
            MAX,
            "gradient to all equal maxima",
            "give(g, winners(x, geometry), geometry)",
            ALL_WINNERS,
        ),
        (
            MAX,
            "the cotangent's type decides who won",
            "(g,), (x,) = as_numbers(g), as_numbers(x)",
            "g, x = as_numbers(g, x)",
        ),
        ("numeric.pooling._windows", "stride is 1 if it is not given", '"stride": kernel', '"stride": 1'),
        ("numeric.pooling._larger", "NaN lost", "np.maximum(a, b)", "np.fmax(a, b)"),
        (
            "numeric.pooling.winners",
            "NaN never found",
            "here |= np.asarray(value != value, bool)",
            "pass",
        ),
        (
            "numeric.max_pool",
            "output stays channels-first",
            "return as_given(run(x, geometry), channels_last)",
            "return run(x, geometry)",
        ),
        (TABLE, "padding is the plane's first cell", "np.where(read >= 0, read, first)", "np.maximum(read, 0)"),
        (
            TABLE,
            "the last cell of a window instead of its padding",
            "np.argmax(read >= 0",
            "-np.argmax(read[:, ::-1] >= 0",
        ),
        symbolic=False,
    ),
    *edits(
        "average pooling",
        "pooling",
        (COUNTS, "padding counted, in both", "if count_padding else _inside(geometry)", ""),
        (
            "numeric.average_pool",
            "count_padding ignored",
            "_counts(geometry, count_padding,",
            "_counts(geometry, False,",
        ),
        (AVERAGE, "count_padding ignored", "_counts(geometry, count_padding,", "_counts(geometry, False,"),
        (AVERAGE, "padding always counted", "_counts(geometry, count_padding,", "_counts(geometry, True,"),
        (AVERAGE, "not divided", "g / _counts", "g + 0 * _counts"),
    ),
    *edits(
        "average pooling",
        "pooling",
        (
            "numeric.average_pool",
            "integers divided as integers",
            "as_given(sums / _counts",
            "as_given(sums // _counts(geometry, count_padding, x.dtype) if sums.dtype.kind in 'iu' else sums / _counts",
        ),
        symbolic=False,
    ),
]
