"""Derivation terms: evaluated by brute force as SymPy would, and printed as they are read."""

import pytest
import sympy
from sympy import Sum

from numeric import Axis
from proofs.derivations.symbols import arrays, centred, integers
from proofs.evaluate import Model
from proofs.normal import normal, same
from proofs.polynomials import Polynomials
from proofs.report.terms import text
from proofs.rules import collapse
from proofs.signals import At, Convolution, Correlation, D, Formula, Partial, Plus, Rot180, Rounded, Shift

x, u, v, o = integers("x u v o")
(p,) = integers("p", nonnegative=True)
f, g, k = arrays("f g k")
CONVOLUTION = Convolution(f, k, (u, p))


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (At(CONVOLUTION, x), "(f * k)[x]"),
        (At(CONVOLUTION, x).unfold(), "Σ_(u=−p..p) f[x − u]·k[u]"),
        (At(Correlation(f, Rot180(k), (u, p)), x), "correlate(f, rot180(k))[x]"),
        (At(Shift(CONVOLUTION, u), x), "τ_(u)(f * k)[x]"),
        (At(Plus(f, g), x), "(f + g)[x]"),
        (Partial(k[u]), "∂L/∂k[u]"),
        (D(f[x] * k[u], k[v]), "∂/∂k[v] (f[x]·k[u])"),
        (sympy.KroneckerDelta(u, v), "[u = v]"),
        (Rounded(sympy.Rational(1, 46128), 4), "1/46128 to 4 digits"),
        (sympy.Rational(2168, 10**8), "2.168e-5"),
        (sympy.Subs(p**2, p, 5), "p² at p = 5"),
        (Formula("reads", Axis(4, 3), o, u), "reads(o, u)"),
        (Formula("output_size", Axis(p, 3)), "output_size"),
        (sympy.floor(p / 3), "⌊p / 3⌋"),
        (3 * p * (p + 1) ** 2 - x, "3·p·(p + 1)² − x"),
    ],
)
def test_terms_read_like_the_sheet(term, expected):
    assert text(term) == expected


def _model(**sizes):
    symbols = {symbol.name: symbol for symbol in (x, u, v, o, p)}
    named = {symbols[name]: size for name, size in sizes.items()}
    return Model(named, {"f": [range(3)], "k": centred(1), "g": [range(3)]}, (At(CONVOLUTION, x), (x,)))


def test_reading_outside_gives_zero():
    model = _model(x=5)
    assert model.value(f[x]) == 0
    assert model.value(f[x - 3]) == model.numbers["f"][2]


def test_a_convolution_has_its_value():
    model = _model(x=1, p=1)
    (f0, f1, f2), (k_, k0, k1) = model.numbers["f"], model.numbers["k"]
    assert model.value(At(CONVOLUTION, x)) == f2 * k_ + f1 * k0 + f0 * k1


def test_the_derivative_of_an_undefined_loss_is_written_in_its_cotangent():
    model = _model(p=1, u=1)
    (f0, f1, _), (g0, g1, g2) = model.numbers["f"], model.numbers["g"]
    # k[1] stands in output i with f[i - 1]
    assert model.value(Partial(k[u])) == f0 * g1 + f1 * g2 + 0 * g0


def test_the_derivative_by_an_entry_that_is_not_there_is_zero():
    assert _model(p=1, u=2).value(Partial(k[u])) == 0
    assert _model(p=1, x=1, u=2).value(D(At(CONVOLUTION, x), k[u])) == 0


def test_the_gradient_of_what_is_only_passed_on_is_the_cotangent():
    numbers = Polynomials({"x": (3,), "g": (3,)})
    gradient, g = numbers.arbitrary(lambda x: x, "x")
    assert gradient.tolist() == g.tolist() == numbers["g"].tolist()


def test_a_cotangent_has_the_shape_of_the_outputs():
    numbers = Polynomials({"x": (3,), "g": (2,)})
    with pytest.raises(ValueError, match=r"g must have the shape of the outputs, \(3,\), got \(2,\)"):
        numbers.arbitrary(lambda x: x, "x")


def test_rounding_is_decimal():
    assert _model().value(Rounded(sympy.Rational(1, 46128), 4)) == sympy.Rational(2168, 10**8)


def test_the_floor_of_a_negative_number_is_below_it():
    assert _model(x=-1).value(sympy.floor(x / 2)) == -1


def test_a_term_of_no_known_kind_is_an_error():
    with pytest.raises(TypeError, match="cannot evaluate sin"):
        _model(x=1).value(sympy.sin(x))


def test_normal_form_merges_and_sorts_sums():
    nested = Sum(f[u] * Sum(k[v], (v, 0, p)), (u, 0, p))
    assert same(nested, Sum(k[v] * f[u], (v, 0, p), (u, 0, p)))
    assert not same(nested, Sum(k[v] * f[u], (v, 0, p), (u, 0, p + 1)))


def test_sums_over_the_same_index_are_not_merged():
    with pytest.raises(ValueError, match="two sums over the same index"):
        normal(Sum(f[u], (u, 0, p)) * Sum(k[u], (u, 0, p)))


def test_an_index_that_another_sum_reads_is_seen_in_either_order():
    """SymPy sorts the sums of a product by their terms."""
    for outer, inner in ((f, k), (k, f)):
        product = Sum(outer[u] * g[u], (u, 0, 2)) * Sum(inner[v] * g[u], (v, 0, 2))
        with pytest.raises(ValueError, match="stands free beside it"):
            normal(product)


def test_powers_of_sums_are_expanded_where_they_are_compared():
    total = Sum(f[u], (u, 0, p))
    assert same((total**2 + 1) ** 2, total**4 + 2 * total**2 + 1)
    assert not same((total**2 + 1) ** 2, total**4 + 2 * total**2 + 2)


def test_indices_of_sums_reach_every_kind_of_term():
    """Floors, rounded numbers, derivatives and inner limits under a sum, whose index no model knows."""
    model = _model(p=2, x=1)
    f0, f1, f2 = model.numbers["f"]
    assert model.value(Sum(sympy.floor(u / 2), (u, 0, 5))) == 6
    assert model.value(Sum(Rounded(u / 7, 1), (u, 1, 2))) == sympy.Rational(4, 10)
    assert model.value(Sum((u + 1) * Sum(f[v], (v, u, u + 1)), (u, 0, 1))) == f0 + 3 * f1 + 2 * f2
    assert model.value(Sum(D(f[x] * k[u], k[u]), (u, -1, 1))) == 3 * f1
    assert model.value(Sum(D(f[u] * k[x], k[x]), (u, 0, 2))) == f0 + f1 + f2
    derivatives = [model.value(Partial(k[sympy.Integer(i)])) for i in (-1, 0, 1)]
    assert model.value(Sum(Partial(k[u]), (u, -1, 1))) == sum(derivatives)


def test_normal_forms_of_derivatives_are_those_of_what_is_differentiated():
    assert same(D(f[x + x] * k[u], k[v]), D(k[u] * f[2 * x], k[v]))
    assert not same(D(f[x] * k[u], k[v]), D(f[x] * k[u], k[u]))
    assert not same(D(f[x] * k[u], k[v]), D(g[x] * k[u], k[v]))


def test_a_sum_keeps_the_term_that_its_delta_names_and_no_other():
    delta = sympy.KroneckerDelta
    only_x = collapse((u, x))
    assert only_x.apply(Sum(delta(u, x) * f[u], (u, 0, 2))) == f[x]
    assert only_x.apply(Sum(delta(u - 1, x - 1) * f[u] * k[v], (u, 0, 2), (v, 0, p))) == Sum(f[x] * k[v], (v, 0, p))
    for kept in (
        Sum(u, (u, 0, 2)),  # there is no delta in it
        Sum(delta(u, v) * f[u], (u, 0, 2)),  # of another term
        Sum(delta(2 * u, 2 * x) * f[u], (u, 0, 2)),  # of a multiple: not what it says
        Sum(delta(u, x) * f[u] + 1, (u, 0, 2)),  # not of every term
        Sum(delta(v, x) * f[v], (v, 0, 2)),  # of another sum
    ):
        assert only_x.apply(kept) == kept
    with pytest.raises(ValueError, match=r"a sum in .* runs over an index of u → x"):
        only_x.apply(Sum(delta(u, x) * D(Sum(f[x] * k[u], (x, 0, 1)), k[v]), (u, 0, 2)))
