"""The `coq` tier: every theorem that a law names is proved; a wrong one, by any trick, is refused by its reason."""

import json
from dataclasses import replace

import pytest

from numeric.geometry import Axis, Geometry, named_padding, receptive_field
from proofs import LAWS, Verdict, parallel, prove
from proofs.coq import __main__ as registering
from proofs.coq import compiler, statements, tables
from proofs.tiers import coq

COQC = compiler.program()
needs_coqc = pytest.mark.skipif(COQC is None, reason=f"coqc is not installed: {compiler.INSTALL}")
WITH_THEOREMS = {name: law for name, law in LAWS.items() if law.theorems}

TOY = """Require Import Lia.
Definition one := 1.
Definition next (n : nat) := n + one.
Theorem grows (n : nat) : n < next n.
Proof. unfold next, one; lia. Qed.
"""


@pytest.fixture(scope="module")
def shipped():
    """The files that ship, compiled."""
    with compiler.compiled(COQC, compiler.sources()) as files:
        yield files


@pytest.fixture(scope="module")
def found(shipped):
    """What Coq says of them."""
    return coq.ask(shipped, statements.register())


@pytest.fixture(scope="module")
def toy_register():
    with compiler.compiled(COQC, {"Toy": TOY}) as files:
        return {"Toy.grows": {"sha256": statements.stated(files, ["Toy.grows"])["Toy.grows"].digest}}


def _why_not(text, register, theorem="Toy.grows"):
    """Why the theorem of this file is not believed."""
    with compiler.compiled(COQC, {"Toy": text}) as files:
        return statements.why_not(theorem, statements.stated(files, [theorem]), register)


@needs_coqc
@pytest.mark.parametrize("name", WITH_THEOREMS)
def test_every_theorem_that_a_law_names_is_proved(name, found, monkeypatch):
    monkeypatch.setattr(coq, "judgement", lambda _: found)
    evidence = coq.decide(LAWS[name])
    assert (evidence.verdict, evidence.counterexample) == (Verdict.PROVED, "")
    assert (evidence.tier, evidence.cases) == ("coq", len(LAWS[name].theorems))
    assert all(theorem in evidence.path for theorem in LAWS[name].theorems)
    assert f"coqc {found.version}, {found.compared} entries of tables" in evidence.path
    assert ".v says" not in evidence.scope


@needs_coqc
def test_the_tables_hold_thousands_of_entries_of_hundreds_of_layers(found):
    assert found.failed == ""
    assert found.compared > 5000
    layers = list(tables.geometries())
    assert len(layers) > 200
    assert {layer.ndim for layer in layers} == {1, 2, 3}


def test_the_register_holds_exactly_what_laws_name_and_what_ties_the_tables():
    named = {theorem for law in WITH_THEOREMS.values() for theorem in law.theorems}
    assert set(statements.register()) == {*named, tables.LINK}
    assert all(len(entry["sha256"]) == 64 and entry["statement"] for entry in statements.register().values())


def test_every_file_is_compiled():
    assert {path.stem for path in compiler.FOLDER.glob("*.v")} == set(compiler.FILES)


def test_no_file_assumes_or_skips_anything():
    for name, text in compiler.sources().items():
        for word in ("Admitted", "Axiom", "Parameter", "admit", "Unset Guard", "Abort"):
            assert word not in text, f"{word} in {name}.v"


@needs_coqc
def test_what_a_person_reads_in_the_register_is_what_coq_prints(shipped):
    read = {name: entry["statement"] for name, entry in statements.register().items()}
    assert statements.readable(shipped, list(read)) == read


@needs_coqc
def test_a_theorem_as_registered_is_believed(toy_register):
    assert _why_not(TOY, toy_register) == ""
    assert _why_not(TOY.replace("lia. Qed", "auto with arith; lia. Qed"), toy_register) == ""  # another proof
    assert _why_not(TOY + "Definition later := 3.\n", toy_register) == ""


CHANGED = (
    "Toy.grows does not say what statements.json has (as Coq 8.16 and MathComp 1.15 print it), or a definition of it "
    "has changed"
)


@needs_coqc
@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (TOY.replace(": n < next", ": n <= next"), CHANGED),
        (TOY.replace("one := 1", "one := 2"), CHANGED),  # a definition behind a definition
        (TOY.replace("n + one", "S n + one"), CHANGED),
        (TOY.replace("(n : nat) : n <", "(n : nat) : 2 < n -> n <").replace("Proof.", "Proof. intro."), CHANGED),
        (TOY.replace("Theorem", 'Local Notation "a < b" := (a <= b).\nTheorem'), CHANGED),  # the same letters
        (TOY.replace("Proof. unfold next, one; lia. Qed.", "Admitted."), "rests on more than Coq's rules: Axioms: "),
        (
            TOY.replace("Theorem", "Axiom easy : forall n, n < next n.\nTheorem").replace(
                "unfold next, one; lia", "apply easy"
            ),
            "rests on more than Coq's rules: Axioms: ",
        ),
        (
            TOY.replace(
                "Theorem", "Unset Guard Checking.\nFixpoint all (n : nat) : n < next n := all n.\nTheorem"
            ).replace("unfold next, one; lia", "apply all"),
            "rests on more than Coq's rules: ",
        ),
        (
            TOY.replace("Definition one", "Module Inner. Definition one").replace(
                "one := 1.", "one := 1. End Inner. Import Inner."
            ),
            "Toy.grows mentions Toy.Inner.one, which no file declares at its top",
        ),
        (TOY.replace("grows", "shrinks"), "there is no theorem Toy.grows"),
        ("Definition grows := 0.\n", "there is no theorem Toy.grows"),
        ("Axiom grows : forall n : nat, n < n.\n", "there is no theorem Toy.grows"),
    ],
)
def test_a_planted_statement_is_refused_by_its_reason(spoiled, reason, toy_register):
    assert spoiled != TOY
    assert reason in _why_not(spoiled, toy_register)


@needs_coqc
def test_a_theorem_that_no_one_registered_is_refused():
    assert _why_not(TOY, {}) == "Toy.grows is not registered in statements.json: no one has read its statement"


@needs_coqc
def test_a_wrong_gradient_has_no_proof():
    files = {name: compiler.sources()[name] for name in ("Arrays", "IndexMap")}
    for right, wrong in (
        ("(u | reads o u == Some a) g o * w (weight o u)]", "(u | reads o u != None) g o * w (weight o u)]"),
        ("(u | weight o u == v) g o * entry x (reads o u)]", "(u | weight o u == v) entry x (reads o u)]"),
    ):
        assert right in files["IndexMap"]
        spoiled = {**files, "IndexMap": files["IndexMap"].replace(right, wrong)}
        found = coq.judge(COQC, spoiled, {})
        assert found.failed.startswith("IndexMap.v, line ")
        assert found.of("IndexMap.input_gradient_is_adjoint") == found.failed


@needs_coqc
def test_coqs_first_error_is_said_in_one_line():
    with (
        pytest.raises(compiler.CoqError, match=r"^Toy\.v, line 5: .*Cannot find witness\.$"),
        compiler.compiled(COQC, {"Toy": TOY.replace("n < next n", "n < n")}),
    ):
        pass


@needs_coqc
def test_a_file_beyond_the_limit_is_an_error(monkeypatch):
    monkeypatch.setattr(compiler, "LIMIT", 0.001)
    with (
        pytest.raises(compiler.CoqError, match=r"Toy\.v: coqc did not finish within 0\.001 s"),
        compiler.compiled(COQC, {"Toy": TOY}),
    ):
        pass


def _spoiled(name, wrong):
    right = getattr(Axis, name)
    return property(lambda axis: wrong(right.fget(axis), axis)) if isinstance(right, property) else wrong(right)


@needs_coqc
@pytest.mark.parametrize(
    ("name", "wrong", "label"),
    [
        (
            "reads",
            lambda right: lambda axis, o, u: right(axis, o, u) + (axis.dilation == 2 and u > 1),
            "reads((0,), (2,))",
        ),
        ("reads", lambda right: lambda axis, o, u: right(axis, o, u) - 2 * min(axis.low, 0), "reads((0,), (0,))"),
        ("remainder", lambda right, axis: right % max(axis.stride - 1, 1), "remainder of Axis"),
        ("transposed_size", lambda right, axis: right + (axis.high < 0), "transposed_size of Axis"),
        ("span", lambda right, axis: right + axis.dilation - 1, "span of Axis"),
    ],
)
def test_a_formula_that_is_not_coqs_is_named_with_its_cell(name, wrong, label, shipped, monkeypatch):
    layers = list(tables.geometries())
    monkeypatch.setattr(tables, "geometries", lambda: layers)
    monkeypatch.setattr(Axis, name, _spoiled(name, wrong))
    disagreement = tables.compare(shipped)[1]
    assert label in disagreement
    assert ": numeric has " in disagreement


@needs_coqc
@pytest.mark.parametrize(
    ("of", "name", "wrong", "label"),
    [
        (
            Geometry,
            "reads_channel",
            lambda layer, c, j: c // layer.group_in * layer.group_in + j,
            "reads_channel(1, 0)",
        ),
        (
            tables,
            "named_padding",
            lambda _, n, k, s, d: named_padding("same", n, k, s, d)[::-1],
            "named_padding('same', ",
        ),
        (tables, "receptive_field", lambda *axes: receptive_field(*reversed(axes)), "receptive_field of "),
    ],
)
def test_channels_named_padding_and_receptive_fields_are_compared(of, name, wrong, label, shipped, monkeypatch):
    monkeypatch.setattr(of, name, wrong)
    assert tables.compare(shipped)[1].startswith(label)


@needs_coqc
def test_a_wrong_circle_in_coq_is_named_with_its_cell():
    """Coq's circular boundary, running backwards: nothing that is compiled here sees it but the tables."""
    files = {name: compiler.sources()[name] for name in compiler.FILES[: compiler.FILES.index("Table") + 1]}
    files["Axis"] = (
        files["Axis"].replace("a mod n", "(- a) mod n").replace("mod_pos_bound a n", "mod_pos_bound (- a) n")
    )
    with compiler.compiled(COQC, files) as spoiled:
        disagreement = tables.compare(spoiled)[1]
    assert disagreement.startswith("reads((0,), (1,)) of Geometry(input_size=(4,), kernel_size=(2,)")
    assert disagreement.endswith("numeric has 1, Coq 3")


def test_where_tables_disagree_or_their_theorem_fails_nothing_is_believed():
    name = "Sizes.cell_commutes_with_translation"
    good = coq.Judgement("8.16.1", {name: "", tables.LINK: ""}, 10)
    assert good.of(name) == ""
    assert replace(good, failed="a cell").of(name) == "a cell"
    assert replace(good, why_not={name: "", tables.LINK: "changed"}).of(name) == "changed"
    assert good.of("Sizes.other") == "Sizes.other is not registered in statements.json: no one has read its statement"


def test_a_theorem_that_is_not_believed_leaves_its_law_open(monkeypatch):
    law = LAWS["convolution-is-commutative"]
    monkeypatch.setattr(compiler, "program", lambda: "coqc")
    monkeypatch.setattr(coq, "judgement", lambda _: coq.Judgement("8.16.1", {law.theorems[0]: "changed"}, 7))
    evidence = coq.decide(law)
    assert (evidence.verdict, evidence.counterexample) == (Verdict.OPEN, "changed")


def test_coqc_runs_once_for_all_laws_of_a_process(monkeypatch):
    calls = []
    monkeypatch.setattr(compiler, "program", lambda: "a coqc of its own")
    monkeypatch.setattr(coq, "judge", lambda *_: calls.append(1) or coq.Judgement("8.16.1", {}))
    coq.prepare()
    for law in WITH_THEOREMS.values():
        assert coq.decide(law).verdict == Verdict.OPEN
    assert calls == [1]


@pytest.mark.parametrize("many", [False, True])
def test_coqc_is_asked_where_the_tier_is_named_and_postponed_where_none_is(many, monkeypatch):
    """In one process, and where laws are spread over several."""
    monkeypatch.setattr(compiler, "program", lambda: f"another coqc {many}")
    monkeypatch.setattr(coq, "judge", lambda *_: coq.Judgement("8.16.1", {}, failed="asked"))
    laws = dict(list(WITH_THEOREMS.items())[: None if many else 1])
    for (evidence,) in parallel.decide(laws, ["coq"]).values():
        assert (evidence.verdict, evidence.counterexample) == (Verdict.OPEN, "asked")
    if not many:
        for found in (parallel.decide(laws), prove(*laws, laws=laws)):
            assert [e.counterexample for of in found.values() for e in of if e.tier == "coq"] == [coq.HINT]


def test_without_coqc_there_is_nothing_to_prepare(monkeypatch):
    monkeypatch.setattr(compiler, "program", lambda: None)
    asked = []
    monkeypatch.setattr(coq, "judgement", asked.append)
    coq.prepare()
    assert not asked


@pytest.mark.parametrize("decide", [coq.decide, coq.postponed])
def test_without_coqc_nothing_is_proved_and_the_way_to_install_it_is_named(decide, monkeypatch):
    monkeypatch.setattr(compiler.shutil, "which", lambda _: None)
    for law in WITH_THEOREMS.values():
        evidence = decide(law)
        assert evidence.verdict == Verdict.NOT_RUN
        assert evidence.counterexample == "coqc is not installed: apt-get install coq libcoq-mathcomp-algebra"


def test_where_coqc_is_postponed_the_command_is_named(monkeypatch):
    monkeypatch.setattr(compiler, "program", lambda: "coqc")
    evidence = coq.postponed(LAWS["gradients-are-adjoints"])
    assert evidence.verdict == Verdict.NOT_RUN
    assert evidence.counterexample.endswith("python -m proofs prove --tier coq")


def test_a_law_without_theorems_is_no_matter_for_coq():
    law = LAWS["dropout-keeps-the-mean"]
    assert coq.decide(law) is None
    assert coq.postponed(law) is None


def test_scope_and_assumptions_are_those_of_the_theorems_files():
    layer = coq.postponed(LAWS["layer-weight-gradient-is-the-derivative"])
    assert layer.scope == coq.SCOPES["Layer"]
    assert coq.SAME in layer.assumptions
    plane = coq.postponed(LAWS["convolution-is-commutative"])
    assert plane.scope == coq.SCOPES["Plane"]
    assert coq.SAME not in plane.assumptions


@needs_coqc
def test_the_register_is_written_from_what_coq_prints(monkeypatch, tmp_path):
    monkeypatch.setattr(statements, "REGISTER", tmp_path / "statements.json")
    monkeypatch.setattr(registering, "LAWS", {})
    monkeypatch.setattr(tables, "LINK", "Toy.grows")
    monkeypatch.setattr(compiler, "sources", lambda: {"Toy": TOY})
    assert registering.main() == 0
    written = json.loads((tmp_path / "statements.json").read_text())
    assert written["Toy.grows"]["statement"].startswith("forall n : nat, ")
    assert _why_not(TOY, written) == ""


@needs_coqc
def test_a_name_that_is_no_theorem_is_not_registered(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(statements, "REGISTER", tmp_path / "statements.json")
    monkeypatch.setattr(registering, "LAWS", {})
    monkeypatch.setattr(compiler, "sources", lambda: {"Toy": TOY})
    assert registering.main() == 1
    assert capsys.readouterr().err == f"there is no theorem {tables.LINK}\n"
    assert not (tmp_path / "statements.json").exists()


def test_without_coqc_nothing_is_registered(monkeypatch, capsys):
    monkeypatch.setattr(compiler, "program", lambda: None)
    assert registering.main() == 2
    assert capsys.readouterr().err == f"coqc is not installed: {compiler.INSTALL}\n"
