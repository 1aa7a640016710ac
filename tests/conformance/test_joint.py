"""One call for all functions: right ones are certified, and wrong is what is wrong in it, whatever is right alone."""

import json

import numpy as np
import pytest

import proofs
from numeric import Geometry
from numeric.paths import PATHS
from proofs.conformance import joint as module
from proofs.conformance import pieces
from proofs.conformance.budget import Budget
from proofs.conformance.certificate import replay
from proofs.conformance.functions import FUNCTIONS, shape
from proofs.conformance.geometries import Case
from proofs.conformance.integers import integers
from proofs.conformance.joint import jointly, together
from proofs.conformance.outcome import Outcome
from proofs.conformance.pieces import Piece
from proofs.conformance.precision import CAUTIOUS, PRECISIONS
from proofs.conformance.premises import premises
from proofs.conformance.probes import generator, storage
from proofs.conformance.record import Recorder, Replayed
from proofs.conformance.target import Unsupported
from proofs.report import json as report_json
from tests.conformance import targets
from tests.conformance.targets import AtOnce, functions
from tests.conformance.test_basis import LAYERS, ROLES
from tests.meta.planted.kernels import KERNELS

THREE = ("conv", "conv.input_gradient", "conv.weight_gradient")
ALL = (*THREE, "conv.bias_gradient")
TRANSPOSED = ("conv_transpose", "conv_transpose.input_gradient", "conv_transpose.weight_gradient")
LARGE = Geometry((60,), (9,), padding=4, in_channels=30, out_channels=30)


def outcomes(target, names=ALL, geometry=LAYERS[0], batch=2):
    """What is found of each."""
    return {finding.function: str(finding.outcome) for finding in jointly(target, names, geometry, batch)}


def replaced(**wrong):
    """A target whose single functions are right, and whose call for all has some others."""
    return AtOnce(at_once=functions(PATHS["im2col"]) | {f"conv.{name}": f for name, f in wrong.items()})


def spoiled(name, how=lambda y: y + 1):
    """The same, with one result changed."""
    right = functions(PATHS["im2col"])
    return AtOnce(at_once=right | {name: lambda *given: how(right[name](*given))})


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16", "int64"])
@pytest.mark.parametrize("names", [ALL, TRANSPOSED])
def test_right_functions_are_certified(names, dtype):
    for geometry in LAYERS:
        found = jointly(AtOnce(dtype=dtype), names, geometry, 2)
        assert [finding.function for finding in found] == list(names)
        assert {finding.outcome for finding in found} == {"certified"}, found
        assert all(finding.tier == "integers" and finding.calls > 0 for finding in found)


@pytest.mark.parametrize("name", KERNELS)
def test_planted_wrong_kernels_are_refuted_in_one_call_though_each_alone_is_right(name):
    function = ROLES[name.partition(":")[0]]
    target = AtOnce(at_once=functions(KERNELS[name]))
    alone = {integers(target, function, geometry, 2).outcome for geometry in LAYERS}
    assert alone == {"certified"}
    found = [pieces.run(target, Piece(function, Case(geometry, 2), ("integers",)), keep=False) for geometry in LAYERS]
    last = [judged.findings[-1] for judged in found]
    assert any(finding.outcome == "refuted" and finding.detail.startswith("in one call with") for finding in last)


@pytest.mark.parametrize("name", KERNELS)
def test_planted_wrong_kernels_are_refuted_though_the_call_for_all_is_right(name):
    function = ROLES[name.partition(":")[0]]
    target = AtOnce(functions(KERNELS[name]))
    found = [pieces.run(target, Piece(function, Case(geometry, 2), ("integers",)), keep=False) for geometry in LAYERS]
    refuted = [judged.findings for judged in found if judged.findings[-1].outcome == "refuted"]
    assert refuted
    assert all(len(findings) == 1 for findings in refuted)  # it is asked no more


@pytest.mark.parametrize("wrong", ALL)
def test_one_that_is_wrong_in_the_call_is_the_one_that_is_refuted(wrong):
    expected = {name: "refuted" if name == wrong else "certified" for name in ALL}
    assert outcomes(spoiled(wrong)) == expected


@pytest.mark.parametrize("wrong", ALL)
def test_one_entry_that_is_wrong_in_the_last_trial_is_seen(wrong):
    """Also of several wrong ones, the first of which was wrong before."""
    calls = []

    def late(y):
        calls.append(1)
        y[(-1,) * y.ndim] += 2**20 * (len(calls) == 5)
        return y

    target = spoiled(wrong, late)
    target.at_once["conv" if wrong != "conv" else "conv.bias_gradient"] = lambda *_: np.zeros(3, "float32")
    found = outcomes(target)
    assert found[wrong] == "refuted"
    assert sorted(found.values()) == ["certified", "certified", "refuted", "refuted"]


def test_gradients_that_are_exchanged_or_of_another_operand_are_refuted():
    """At a layer where the shapes are alike, so that the numbers alone tell."""
    same = Geometry((3,), (3,), padding=1, in_channels=3, out_channels=3)
    right = functions(PATHS["im2col"])
    wrong = replaced(weight_gradient=lambda geometry, g, x: right["conv.weight_gradient"](geometry, x, g))
    assert outcomes(wrong, geometry=same, batch=3)["conv.weight_gradient"] == "refuted"
    swapped = AtOnce()
    swapped.joint = lambda names, *given: AtOnce().joint(names, *given)[::-1]
    expected = {"conv": "refuted", "conv.input_gradient": "certified", "conv.weight_gradient": "refuted"}
    assert outcomes(swapped, THREE, same, 3) == expected


def test_what_is_wrong_at_one_shape_alone_is_seen_there():
    wide = Geometry((5, 4), (2, 3), in_channels=33, out_channels=17)
    right = functions(PATHS["im2col"])["conv.weight_gradient"]

    def tail(geometry, g, x):
        dw = right(geometry, g, x)
        dw[16:] = 0
        return dw

    assert set(outcomes(replaced(weight_gradient=tail)).values()) == {"certified"}
    assert outcomes(replaced(weight_gradient=tail), geometry=wide)["conv.weight_gradient"] == "refuted"


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("geometry", LAYERS)
def test_integers_keep_every_sum_of_every_function_exact_and_are_enough(geometry, dtype):
    run = module._Run(AtOnce(dtype=dtype), ALL, geometry, 2)
    precision = PRECISIONS[CAUTIOUS.get(dtype, dtype)]
    parts = run.parts(ALL)
    sizes = {(part.budget.first, part.budget.second) for part in parts.values()}
    assert run.shared
    assert len(sizes) == 1
    arrays = run._arrays(parts, generator("any"), None)
    for name, part in parts.items():
        second = part.budget.second if name != "conv.bias_gradient" else 1
        assert part.budget.products * part.budget.first * second <= precision.sums
        assert part.budget.failure <= -40
        ones = (np.abs(arrays[letter]).astype(float) for letter in FUNCTIONS[name].arguments)
        assert FUNCTIONS[name].expected(geometry, *ones).max() <= precision.sums
        assert part.budget.trials == Budget.of(name, geometry, 2, precision).narrowed(name, part.budget.first).trials


def test_every_function_has_the_trials_of_the_one_that_needs_most():
    found = jointly(AtOnce(), ALL, LAYERS[0], 2)
    assert {finding.calls for finding in found} == {5}
    for finding in found:
        *_, probability = finding.assumptions
        assert probability.startswith("a wrong map passes with probability at most 2**-")
        assert int(probability.rpartition("-")[2]) >= 40
        assert finding.scope == "this shape in float32; 5 trials, one forward and one backward pass for all"


def test_a_function_asked_for_alone_has_the_trials_that_it_has_with_others():
    seen = []

    def watched(names, geometry, arrays):
        seen.append({letter: array.tolist() for letter, array in arrays.items()})
        return AtOnce().joint(names, geometry, arrays)

    target = AtOnce()
    target.joint = watched
    jointly(target, ALL, LAYERS[0], 2)
    every, seen[:] = list(seen), []
    jointly(target, ALL, LAYERS[0], 2, only="conv.weight_gradient")
    assert seen == every
    assert len({json.dumps(trial) for trial in every}) == len(every)


@pytest.mark.parametrize("wrong", ALL)
def test_where_no_budget_fits_all_each_has_its_own_sparse_trials(wrong):
    assert Budget.of(wrong, LARGE, 5, PRECISIONS["bfloat16"]).kept is not None
    found = jointly(AtOnce(dtype="bfloat16"), ALL, LARGE, 5, only=wrong)
    assert found[0].outcome == "certified"
    assert "since no budget fits otherwise" in found[0].detail
    zero = spoiled(wrong, np.zeros_like)
    zero.dtype = "bfloat16"
    assert jointly(zero, ALL, LARGE, 5, only=wrong)[0].outcome == "refuted"


@pytest.mark.parametrize("function", THREE)
@pytest.mark.parametrize("path", ["winograd4", "fft"])
def test_paths_that_round_are_inexact_and_wrong_ones_of_them_refuted(path, function):
    plain = Geometry((9, 8), (3, 3), padding=1, in_channels=3, out_channels=2)
    rounds = functions(PATHS[path])
    (found,) = jointly(AtOnce(at_once=rounds), ALL, plain, 2, only=function)
    assert found.outcome == "inexact"
    assert found.detail.startswith("in one call with conv")
    wrong = rounds | {function: lambda *given: rounds[function](*given) + np.float32(0.75)}
    (found,) = jointly(AtOnce(at_once=wrong), ALL, plain, 2, only=function)
    assert found.outcome == "refuted"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (lambda found: found[0], "it gave a ndarray, expected a sequence of 4 results"),
        (lambda _: None, "it gave a NoneType, expected a sequence of 4 results"),
        (lambda found: found[:3], "it gave 3 results, expected a sequence of 4 results"),
        (lambda found: [a.astype("float64") for a in found], "the result is float64, expected float32"),
        (lambda found: [a[..., :1] for a in found], "the result has shape "),
        (lambda found: [None, *found[1:]], "the result is a NoneType, expected a NumPy array"),
        (lambda found: [np.full_like(a, np.nan) for a in found], "entries differ"),
        (lambda _: {}["x"], "it raised KeyError: 'x'"),
    ],
)
def test_what_is_no_answer_is_refuted_and_so_is_its_record(how, says):
    target, calls = AtOnce(), []
    target.joint = lambda *given: how(AtOnce().joint(*given))
    (found, *_) = jointly(Recorder(target, calls), ALL, LAYERS[0], 2)
    assert found.outcome == "refuted"
    assert says in found.detail
    head = {"name": "a", "dtype": "float32", "functions": ALL, "jointly": ALL, "about": {}}
    assert jointly(Replayed(head, iter(calls)), ALL, LAYERS[0], 2)[0].outcome == "refuted"


def test_a_call_that_is_refused_is_not_run_and_takes_nothing_from_what_runs_alone():
    def refuse(*_):
        raise Unsupported("not both at once")

    target = AtOnce()
    target.joint = refuse
    found = jointly(target, ALL, LAYERS[0], 2)
    assert {(finding.outcome, finding.calls) for finding in found} == {("not run", 0)}
    assert found[0].detail == f"in one call with {', '.join(ALL[1:])}: not both at once"
    certified = proofs.certify(target, operations=["conv"], geometries=[LAYERS[0]], tiers=["integers"])
    assert certified.counts[Outcome.UNSUPPORTED] == 0
    assert certified.counts[Outcome.CERTIFIED] == len(certified.pieces) == 7


def test_a_target_that_refuses_after_some_trials_is_not_certified():
    calls, target = [], AtOnce()

    def tires(*given):
        calls.append(1)
        if len(calls) == 3:
            raise Unsupported("enough")
        return AtOnce().joint(*given)

    target.joint = tires
    assert set(outcomes(target).values()) == {"not run"}
    calls.clear()
    wrong = spoiled("conv.weight_gradient", lambda y: y + 2**20)
    target.joint = lambda *given: tires(*given) and wrong.joint(*given)
    found = outcomes(target)
    assert found == dict.fromkeys(ALL, "not run") | {"conv.weight_gradient": "refuted"}


def test_a_target_that_gives_one_at_a_time_is_asked_for_nothing_else():
    calls = []
    assert together(Recorder(targets.numeric(), calls), "conv", LAYERS[0]) == ()
    assert calls == []
    alone = proofs.certify(targets.numeric(), operations=["conv"], geometries=[LAYERS[0]], tiers=["integers"])
    assert [len(judged.findings) for _, judged in alone.pieces] == [1] * 7
    one = AtOnce({"conv": functions(PATHS["im2col"])["conv"]})
    assert together(one, "conv", LAYERS[0]) == ()
    assert together(AtOnce(refuses=lambda _: "no"), "conv", LAYERS[0]) == ()
    assert together(AtOnce(), "average_pool", LAYERS[0]) == ()


def test_records_hold_it_and_one_bit_changed_is_refuted(tmp_path):
    found = proofs.certify(
        AtOnce(), operations=["conv"], geometries=[LAYERS[0]], tiers=["integers", "premises"], keep_calls=True
    )
    assert found.exit_status() == 0
    file = tmp_path / "record.json"
    report_json.write(file, found.record(), None)
    again = replay(file)
    assert again.exit_status() == 0
    assert [(f.outcome, f.detail) for f in again.findings] == [(f.outcome, f.detail) for f in found.findings]
    content = json.loads(file.read_text(encoding="utf-8"))
    piece = next(piece for piece in content["pieces"] if piece["function"] == "conv.weight_gradient")
    call = next(call for call in piece["calls"] if call["asked"] == "joint")
    assert call["name"].split() == list(ALL)
    asked = call["several"][2]
    content["pieces"] = [piece]
    content["arrays"].append(content["arrays"][call["several"][0]])
    for each in piece["calls"]:
        if each.get("several", [None] * 3)[2] == asked:
            each["several"][2] = len(content["arrays"]) - 1
    file.write_text(json.dumps(content), encoding="utf-8")
    assert replay(file).exit_status() == 1


def test_a_record_made_before_there_was_such_a_call_is_judged_as_it_was(tmp_path):
    found = proofs.certify(targets.numeric(), operations=["conv"], geometries=[LAYERS[0]], keep_calls=True)
    content = found.record()
    del content["target"]["jointly"]
    file = tmp_path / "record.json"
    report_json.write(file, content, None)
    again = replay(file)
    assert again.exit_status() == 0
    assert again.counts == found.counts


def premise(target, function):
    """What is found of the premise."""
    return next(f for f in premises(target, function, LAYERS[0]) if f.detail.startswith("joint: "))


@pytest.mark.parametrize("function", ALL)
def test_whether_the_bits_are_those_of_the_function_alone_is_said(function):
    same = "joint: one call for all gives the same bits as the function alone"
    assert premise(AtOnce(), function).detail == same
    one = "joint: not run: one function at a time is all that the target gives"
    assert premise(targets.numeric(), function).detail == one
    other = premise(spoiled(function, lambda y: np.nextafter(y, y + 1)), function)
    assert other.outcome == "certified"
    assert "gives other bits in " in other.detail
    none = AtOnce()
    none.joint = lambda *_: None
    assert "expected a sequence of 4 results" in premise(none, function).detail
    wrong = premise(spoiled(function), function)
    assert wrong.outcome == "refuted"
    assert "one call for all gives something else than the function alone" in wrong.detail


def test_arguments_are_of_the_shape_and_type_of_the_layer():
    seen = []
    target = AtOnce(dtype="bfloat16")
    target.joint = lambda names, geometry, arrays: seen.append(arrays) or AtOnce.joint(target, names, geometry, arrays)
    jointly(target, ALL, LAYERS[0], 2)
    for arrays in seen:
        assert {letter: array.shape for letter, array in arrays.items()} == {
            letter: shape(letter, LAYERS[0], 2) for letter in "xwg"
        }
        assert {array.dtype for array in arrays.values()} == {storage("bfloat16")}
