"""`explain` in LaTeX: every step is there, the structure is sound, every command is known, and TeX takes it."""

import re
import shutil
import subprocess

import pytest
import sympy
from sympy import KroneckerDelta, Sum, oo
from sympy.core.symbol import Str

from numeric import Axis, Geometry
from proofs import LAWS, TIERS, certify, prove
from proofs.__main__ import main
from proofs.array_signals import Exchanged, Rotated
from proofs.derivations.symbols import arrays, integers
from proofs.layer_signals import (
    CHANNEL,
    OUTPUT,
    READS,
    SAMPLE,
    TAP,
    TAPS,
    UPPER,
    AveragePool,
    Biased,
    Constant,
    Dense,
    Fixed,
    Flatten,
    From,
    Layer,
    MaxPool,
    OneGroup,
)
from proofs.report.latex import COMMANDS, SIGNS, equated, fragment, latex, prose
from proofs.report.lecture import lecture
from proofs.report.terms import text
from proofs.signals import (
    Above,
    At,
    CircularShift,
    Convolution,
    Correlation,
    D,
    Formula,
    Impulse,
    Named,
    Partial,
    Residue,
    Rot180,
    Rounded,
    Shift,
    Signal,
)
from proofs.training_signals import Pointwise, Relu6

TEX = shutil.which("pdflatex")
DOCUMENT = r"""\documentclass{article}
\usepackage{amsmath,amssymb}
\begin{document}
%s
\end{document}
"""
x, w, b = arrays("x w b")
f, k = arrays("f k")
n, c, o, u, t, p = SAMPLE, CHANNEL, OUTPUT, TAP, *integers("t p")


@pytest.fixture(scope="module")
def fragments():
    """The fragment of every law; nothing but its derivation is decided."""
    found = prove(tiers=["derivation"])
    return {name: fragment(law, found[name]) for name, law in LAWS.items()}


@pytest.mark.parametrize("name", LAWS)
def test_every_line_and_rule_is_in_the_fragment(name, fragments):
    made, law = fragments[name], LAWS[name]
    assert prose(law.statement) in made
    assert prose(law.source) in made
    if law.derivation is None:
        return
    derived = law.derivation()
    for number, step in enumerate(derived.steps, start=1):
        assert latex(step.left) in made
        assert f"&= {latex(step.right)} \\tag*{{({number}) " in made
        assert prose(step.because) in made
    for left, right in (*derived.goals, *lecture(derived).definitions):
        assert latex(left) in made
        assert latex(right) in made
    for assumption in (*law.assumptions, *derived.assumptions):
        assert prose(assumption) in made


@pytest.mark.parametrize("name", LAWS)
def test_the_structure_is_sound(name, fragments):
    _sound(fragments[name])


def _sound(made):
    """Braces, math, environments and brackets that grow are closed in the order in which they are opened."""
    assert made.isascii()
    assert set(re.findall(r"\\([A-Za-z]+)", made)) <= COMMANDS
    opened = []
    closes = {"}": "{", r"\right": r"\left"}
    body = re.sub(r"^%.*$", "", made, flags=re.MULTILINE)
    for found in re.finditer(r"\\(begin|end)\{(\w+\*?)\}|(\\left|\\right)(?![a-z])|\\[^A-Za-z]|([{}$])", body):
        kind, environment, grows, mark = found.groups()
        if kind == "begin":
            opened.append(environment)
        elif kind == "end":
            assert opened.pop() == environment
        elif mark == "$" and opened[-1:] == ["$"]:
            opened.pop()
        elif mark in ("{", "$") or grows == r"\left":
            opened.append(mark or grows)
        elif mark == "}" or grows:
            assert opened.pop() == closes[mark or grows]
    assert opened == []
    assert not re.search(r"([_^])\{[^{}]*\}\1", body)  # two scripts of one sign


@pytest.mark.parametrize(
    "broken",
    [
        r"\begin{align*} x",
        r"\frac{1}{2",
        r"$x",
        r"{ \left( } \right)",
        r"\begin{align*}\begin{itemize}\end{align*}\end{itemize}",
        r"\unheardof",
        r"$x_{i}_{j}$",
        "Σ",
    ],
)
def test_a_broken_fragment_is_noticed(broken):
    with pytest.raises((AssertionError, IndexError)):
        _sound(broken)


def test_text_has_no_sign_that_tex_sets_as_another(fragments):
    for made in fragments.values():
        text_ = re.sub(
            r"\$[^$]*\$|\\begin\{align\*\}.*?\\end\{align\*\}|^%.*?$", "", made, flags=re.DOTALL | re.MULTILINE
        )
        assert not set(text_) & set("<>|")  # ¡, ¿ and a dash


def _typeset(body, folder):
    """TeX takes it, and no formula runs off the page."""
    file = folder / "laws.tex"
    file.write_text(DOCUMENT % body, encoding="utf-8")
    command = [str(TEX), "-interaction=nonstopmode", "-halt-on-error", file.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    wide = re.findall(r"too wide\) detected at line \d+", done.stdout)
    assert not wide, wide


@pytest.mark.skipif(TEX is None, reason="there is no pdflatex")
def test_tex_takes_every_fragment(fragments, tmp_path):
    _typeset("\n\n".join(fragments.values()), tmp_path)


@pytest.mark.skipif(TEX is None, reason="there is no pdflatex")
def test_tex_takes_what_a_notebook_shows(tmp_path):
    law = LAWS["weight-gradient-is-rotated-input-convolved-with-cotangent"]
    found = prove(law.name, "zero-same-padding-is-not-equivariant", tiers=["derivation", "symbolic"])
    layer = Geometry((5, 4), (3, 2), (2, 1), (1, 2), padding=((1, 0), 2))
    report = certify(
        lambda x, w: x[:, :, 1:, 1:] * w.sum(), operations=["conv2d"], geometries=[Geometry((3, 3), (2, 2))]
    )
    shown = [law, law.derivation(), found, *found[law.name], layer, report, *report.findings]
    _typeset("\n\n".join(thing._repr_mimebundle_()["text/latex"] for thing in shown), tmp_path)


@pytest.mark.skipif(TEX is None, reason="there is no pdflatex")
@pytest.mark.parametrize("broken", [r"$\unheardof$", r"\begin{align*} &= " + "x + " * 60 + r"x \end{align*}"])
def test_what_tex_refuses_or_sets_off_the_page_is_noticed(broken, tmp_path):
    with pytest.raises(AssertionError, match=r"unheardof|too wide"):
        _typeset(broken, tmp_path)


# a term, its text and its LaTeX
TERMS = [
    (At(Convolution(f, k, (u, p)), t), "(f * k)[t]", r"(f \ast k)[t]"),
    (At(Convolution(f, Convolution(f, k, (u, oo)), (t, oo)), o), "(f * (f * k))[o]", r"(f \ast (f \ast k))[o]"),
    (At(Correlation(f, Rot180(k), (u, p)), t), None, r"\operatorname{correlate}(f, \operatorname{rot180}(k))[t]"),
    (At(Shift(f, t), o), "τ_(t)(f)[o]", r"\tau_{t}(f)[o]"),
    (At(CircularShift(f, t, p), o), "τ_(t mod p)(f)[o]", r"\tau_{t \bmod p}(f)[o]"),
    (At(Impulse(), o), "δ[o]", r"\delta [o]"),
    (At(Layer(Layer(x, w), w, 1), n, c, o), "conv₁(conv(x, w), w)[n, c, o]", None),
    (At(Biased(Layer(x, w), b), n, c, o), "(conv(x, w) + b)[n, c, o]", None),
    (At(Layer(x, Constant(1 / p)), n, c, o), "conv(x, 1/p)[n, c, o]", None),
    (At(Constant(1 / p), o), "(1/p)[o]", None),
    (At(Fixed(x, o), n, c), "x[:, :, o][n, c]", "x[:, :, o][n, c]"),
    (At(From(x, 1, 2 * p), n, c, o), "x[:, 2·p:][n, c, o]", None),
    (At(From(w, 0, p), n, c, o), "w[p:][n, c, o]", None),
    (At(Dense(Flatten(x), w), n, c), "dense(flatten(x), w)[n, c]", None),
    (At(Pointwise(x), o), "σ(x)[o]", r"\sigma (x)[o]"),
    (At(AveragePool(x), n, c, o), "average_pool(x)[n, c, o]", r"\operatorname{average\_pool}(x)[n, c, o]"),
    (At(Exchanged(x), n, c, o), "xᵀ[n, c, o]", "x^{T}[n, c, o]"),
    (At(Exchanged(Rotated(w)), n, c, u), "rot180(w)ᵀ[n, c, u]", r"\operatorname{rot180}(w)^{T}[n, c, u]"),
    (At(OneGroup(x, w, 1, *UPPER[:2]), n, c, o), "conv₁(x, w)[n, c, o]", None),
    (At(Named(Str("peaks"), MaxPool(x, 1)), n, c, o), "peaks[n, c, o]", r"\mathit{peaks}[n, c, o]"),
    (At(Relu6(x), o), "relu6(x)[o]", r"\operatorname{relu6}(x)[o]"),
    (Above(x[o], 0) * x[o], "[x[o] > 0]·x[o]", r"[x[o] > 0]\,x[o]"),
    (1 - x[o], "1 − x[o]", "1 - x[o]"),
    (-x[o] - x[u] + 2, "2 − x[o] − x[u]", None),
    (2 / (sympy.exp(2 * x[o]) + 1), "2 / (exp(2·x[o]) + 1)", r"\frac{2}{\operatorname{exp}(2\,x[o]) + 1}"),
    (t / (p * x[o]), "t / (p·x[o])", r"\frac{t}{p\,x[o]}"),
    (x[o] * sympy.exp(-x[o]), "x[o]·exp(−x[o])", None),
    (Formula("reads1", Axis(4, 3), u, o), "reads₁(u, o)", r"\operatorname{reads}_{1}(u, o)"),
    (Partial(w[u]), "∂L/∂w[u]", r"\frac{\partial L}{\partial w[u]}"),
    (D(x[u] + 1, x[t]), "∂/∂x[t] (x[u] + 1)", r"\frac{\partial}{\partial x[t]} (x[u] + 1)"),
    (Sum(x[n, c, READS(o, u)], TAPS), "Σ_u x[n, c, reads(o, u)]", r"\sum_{u} x[n, c, \operatorname{reads}(o, u)]"),
    (Sum(x[u], (u, -p, p)), "Σ_(u=−p..p) x[u]", r"\sum_{u=-p}^{p} x[u]"),
    (Sum(x[u] + 1, (u, 0, p)), "Σ_(u=0..p) (x[u] + 1)", None),
    (KroneckerDelta(READS(o, u), t), "[reads(o, u) = t]", None),
    (KroneckerDelta(t, o), "[o = t]", None),
    (KroneckerDelta(u, 0), "[u = 0]", None),
    (Residue(o - t, p), "(o − t) mod p", r"(o - t) \bmod p"),
    (3 * Residue(o, p) + 1, "3·(o mod p) + 1", None),
    (Residue(o, p) - t, None, r"(o \bmod p) - t"),
    (sympy.floor((t + 1) / p), "⌊(t + 1) / p⌋", r"\left\lfloor \frac{t + 1}{p} \right\rfloor"),
    (sympy.sqrt(p + 1) ** 3, "√(p + 1)³", r"\sqrt{p + 1}^{3}"),
    (1 / sympy.sqrt(p), "1 / √(p)", r"\frac{1}{\sqrt{p}}"),
    (p**2 * (t + 1) ** 2, "p²·(t + 1)²", r"p^{2}\,(t + 1)^{2}"),
    (-Sum(x[u], TAPS), "−Σ_u x[u]", r"-\sum_{u} x[u]"),
    (-p / 2, "−p / 2", r"-\frac{p}{2}"),
    (sympy.Rational(2168, 10**8), "2.168e-5", r"2.168 \cdot 10^{-5}"),
    (Rounded(sympy.Rational(1, 3), 2), "1/3 to 2 digits", r"\frac{1}{3} \text{ to 2 digits}"),
    (sympy.Subs(p**2, p, 5), "p² at p = 5", r"p^{2} \text{ at } p = 5"),
    (Formula("reads", Axis(4, 3), o, u), "reads(o, u)", r"\operatorname{reads}(o, u)"),
    (Formula("output_size", Axis(p, 3)), "output_size", r"\operatorname{output\_size}"),
    (arrays("ddx")[0][o] * x[o], "ddx[o]·x[o]", r"\mathit{ddx}[o]\,x[o]"),
    (arrays("x2")[0][o], "x₂[o]", "x_{2}[o]"),
    (sympy.exp(x[o]) * sympy.log(x[o]), "exp(x[o])·log(x[o])", r"\operatorname{exp}(x[o])\,\operatorname{log}(x[o])"),
]


@pytest.mark.parametrize(("term", "plain", "set_"), TERMS, ids=[str(term)[:40] for term, *_ in TERMS])
def test_terms_are_written_in_both_notations(term, plain, set_):
    if plain is not None:
        assert text(term) == plain
    if set_ is not None:
        assert latex(term) == set_
    _sound(f"{{{latex(term)}}}")


def test_the_terms_of_a_wide_sum_stand_below_each_other():
    terms = [Sum(x[n, i] * w[i, n, o, u], (i, 1, p)) for i in (c, o, t)]
    first, second, third = map(latex, terms)
    assert latex(terms[0] + terms[1]) == f"{first} + {second}"
    wide = rf"\begin{{aligned}} & {first} \\ & + {second} \\ & - {third} \end{{aligned}}"
    assert latex(terms[0] + terms[1] - terms[2]) == wide
    assert latex(D(terms[0] + terms[1] - terms[2], x[t])).endswith(rf" \left({wide}\right)")
    _sound(wide)
    products = sum(x[n, i] * w[i, n, o, u] for i in (c, o, t, u, p))  # no sign in it is high, but the block is
    assert latex(D(products, x[t])).endswith(rf" \left({latex(products)}\right)")
    assert latex(products).startswith(r"\begin{aligned}")


def test_sides_too_wide_for_a_line_stand_below_each_other():
    pairs = [(x[n], w[n]), (x[n, c], w[n, c])]
    assert equated(pairs, "=") == ["x[n] &= w[n]", "x[n, c] &= w[n, c]"]
    wide = sum(At(Layer(x, w), n, c, i) for i in (o, t))
    assert equated([*pairs, (wide, wide)], ":=") == [
        "&x[n] \\\\\n&\\quad := w[n]",
        "&x[n, c] \\\\\n&\\quad := w[n, c]",
        f"&{latex(wide)} \\\\\n&\\quad := {latex(wide)}",
    ]


def test_an_operator_without_a_notation_is_an_error():
    class Unheard(Signal):
        pass

    with pytest.raises(TypeError, match="there is no notation for Unheard"):
        text(At(Unheard(x), o))


def test_prose_sets_its_signs_in_math_and_escapes_the_rest():
    assert prose("2p + 1 ≤ m_0 & 100 %") == r"2p + 1 $\le$ m\_0 \& 100 \%"
    assert prose("⟨g, y⟩ = ∂L/∂w") == r"$\langle$g, y$\rangle$ = $\partial$L/$\partial$w"
    assert prose("δᵢⱼ") == r"$\delta_{ij}$"
    assert prose("0 ≤ r < s | t > u") == r"0 $\le$ r $<$ s $\vert$ t $>$ u"
    assert prose("x₁² ∂⟨") == r"x$_{1}^{2}$ $\partial\langle$"
    for law in LAWS.values():
        assert prose(law.statement + law.source + law.scope + "".join(law.assumptions)).isascii()


def test_signs_are_commands_or_plain():
    assert all(sign.isascii() and len(name) == 1 for name, sign in SIGNS.items())


def test_the_command_line_prints_the_fragment_as_it_is(capsys):
    name = "weight-gradient-is-rotated-input-convolved-with-cotangent"
    assert main(["explain", name, "--format", "latex"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"% {name}")
    assert max(map(len, out.splitlines())) > 100  # not wrapped
    for tier in TIERS:
        if tier in ("derivation", "symbolic"):
            assert f"\\item {tier}: proved" in out
    _sound(out)


def test_another_format_is_refused(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["explain", "gradients-are-adjoints", "--format", "html"])
    assert exit_.value.code == 2
    assert "invalid choice: 'html'" in capsys.readouterr().err
