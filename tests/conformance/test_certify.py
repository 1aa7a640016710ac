"""The run: every function on every layer, counted; wrong ones refuted and named; on processes, resumed, by object."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import numeric
import proofs
from numeric import Geometry
from proofs import campaign
from proofs.conformance import pieces
from proofs.conformance.adapters import load
from proofs.conformance.certificate import Report, outcome
from proofs.conformance.certify import certify
from proofs.conformance.geometries import Case, GridError
from proofs.conformance.outcome import Finding, Outcome
from proofs.conformance.pieces import Judged, Piece
from proofs.conformance.target import TargetError

LAYERS = [
    Geometry((4, 3), (2, 3), stride=(2, 1), padding=((0, 1), 1), in_channels=2, out_channels=3),
    Geometry((5,), (2,), dilation=2, in_channels=2, out_channels=4, groups=2),
]
QUICK = {"geometries": LAYERS, "tiers": ["structure", "integers"]}


def right(x, w, *, stride, dilation, padding, groups):
    return numeric.conv(x, w, stride=stride, dilation=dilation, padding=padding, groups=groups)


def without_stride(x, w, *, stride, dilation, padding, groups):
    """Every output, then as many of them as there should be."""
    whole = numeric.conv(x, w, dilation=dilation, padding=padding, groups=groups)
    size = numeric.conv(x, w, stride=stride, dilation=dilation, padding=padding, groups=groups).shape
    return whole[tuple(map(slice, size))]


def test_what_is_right_is_certified_on_every_layer():
    found = proofs.certify("numeric", **QUICK)
    assert {row.function for row in found.rows} == set(load("numeric").functions)
    assert all(row.counts == {Outcome.CERTIFIED: row.layers} for row in found.rows)
    assert found.counts == {Outcome.CERTIFIED: sum(row.layers for row in found.rows)}
    assert (found.layers, found.exit_status(), found.exit_status(strict=True)) == (4, 0, 0)  # two as pooling layers
    assert found.target["about"]["device"] == "cpu"
    assert {finding.tier for finding in found.findings} == {"structure", "integers"}
    assert found.diagnoses == found.notes == ()


def test_what_the_target_says_is_what_it_says_once_it_has_run():
    class Late:
        name, dtype, functions, device = "late", "float32", ("conv",), "not run yet"
        supports = staticmethod(load("numeric").supports)

        def about(self):
            return {"device": self.device}

        def run(self, function, geometry, *arrays):
            self.device = "cpu"
            return load("numeric").run(function, geometry, *arrays)

    assert proofs.certify(Late(), **QUICK).target["about"] == {"device": "cpu"}


def test_premises_are_probed_once_for_each_function():
    found = proofs.certify("numeric", operations=["average_pool"], geometries=LAYERS, tiers=["premises"])
    assert {finding.function for finding in found.premises} == {"average_pool", "average_pool.input_gradient"}
    assert {finding.tier for finding in found.premises} == {"premises"}
    assert Outcome.REFUTED not in {finding.outcome for finding in found.premises}
    assert found.rows == ()


def test_what_is_wrong_is_refuted_where_it_is_and_named():
    found = proofs.certify(without_stride, **QUICK)
    (row,) = (row for row in found.rows if row.function == "conv")
    assert row.counts == {Outcome.REFUTED: 1, Outcome.CERTIFIED: 1}
    assert found.exit_status() == 1
    (diagnosis,) = found.diagnoses
    assert diagnosis.geometry == LAYERS[0]
    assert "stride ignored in the forward pass" in diagnosis.text
    assert proofs.certify(without_stride, **QUICK, diagnose=False).diagnoses == ()


def test_what_is_not_there_is_not_run_and_said_once():
    found = proofs.certify(right, **QUICK)
    rest = [row for row in found.rows if row.function != "conv"]
    assert [row.counts for row in rest] == [{Outcome.NOT_RUN: 1}] * len(rest)
    assert len(rest) == 6
    assert found.exit_status() == found.exit_status(strict=True) == 0


def test_what_is_not_supported_says_why_and_counts_if_strict():
    tried = {**QUICK, "geometries": [LAYERS[0], Geometry((4, 5), (3, 3))]}
    found = proofs.certify("numeric:winograd2", operations=["conv2d"], **tried)
    (row,) = (row for row in found.rows if row.function == "conv")
    assert row.counts[Outcome.UNSUPPORTED] == 1
    assert row.layers == 2
    assert any("winograd2 needs kernels of size 3" in finding.detail for finding in found.findings)
    assert found.exit_status(strict=True) == 1


def test_where_nothing_runs_the_status_is_two():
    assert proofs.certify("numeric:winograd2", operations=["conv"], **QUICK).exit_status(strict=True) == 2


def _report(*outcomes, premise=Outcome.CERTIFIED):
    def finding(tier, kind):
        return Finding(tier, "conv", LAYERS[0], 1, kind, "")

    made = [
        (Piece("conv", Case(LAYERS[0], number), ("structure",)), Judged((finding("structure", kind),)))
        for number, kind in enumerate(outcomes, start=1)
    ]
    last = (Piece("conv", Case(LAYERS[0], 1), ("premises",)), Judged((finding("premises", premise),)))
    return Report({}, "", (*made, last), 0)


C, INEXACT, U, N, R = (
    *(Outcome.CERTIFIED, Outcome.INEXACT, Outcome.UNSUPPORTED),
    *(Outcome.NOT_RUN, Outcome.REFUTED),
)


@pytest.mark.parametrize(
    ("outcomes", "plain", "strict"),
    [
        ((C,), 0, 0),
        ((C, N), 0, 0),
        ((C, U), 0, 1),
        ((C, INEXACT), 0, 1),
        ((INEXACT,), 1, 1),
        ((C, R), 1, 1),
        ((R,), 1, 1),
        ((U, N), 2, 2),
        ((), 2, 2),
    ],
)
def test_exit_status(outcomes, plain, strict):
    report = _report(*outcomes)
    assert (report.exit_status(), report.exit_status(strict=True)) == (plain, strict)


def test_a_premise_that_does_not_hold_is_refuted():
    assert _report(C, premise=R).exit_status() == 1
    assert _report(C, premise=N).exit_status() == 0


def test_the_outcome_of_a_piece_is_the_worst():
    def findings(*kinds):
        return [Finding("structure", "conv", LAYERS[0], 1, kind, "") for kind in kinds]

    assert outcome(findings(C, INEXACT, R, U)) == R
    assert outcome(findings(C, INEXACT)) == INEXACT
    assert outcome(findings(C, N)) == C
    assert outcome(findings(N)) == N
    assert outcome([]) == N


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_find_the_same(jobs):
    found = proofs.certify("numeric", operations=["conv1d"], jobs=jobs, **QUICK)
    expected = proofs.certify(load("numeric"), operations=["conv1d"], **QUICK)
    assert [(piece, judged.findings[0].detail) for piece, judged in found.pieces] == [
        (piece, judged.findings[0].detail) for piece, judged in expected.pieces
    ]


def test_an_object_that_cannot_be_sent_runs_in_one_process_and_says_so():
    stream = (number for number in range(3))

    def bound(x, w, *, stride, dilation, padding, groups):
        assert stream is not None
        return right(x, w, stride=stride, dilation=dilation, padding=padding, groups=groups)

    found = proofs.certify(bound, jobs=2, **QUICK)
    assert found.exit_status() == 0
    assert found.notes[0].startswith("run in one process, since the target cannot be sent to another: ")


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    judged = []

    def interrupted(target, piece, keep):
        if len(judged) == 3:
            raise KeyboardInterrupt
        judged.append(piece)
        return run(target, piece, keep)

    run = pieces.run
    monkeypatch.setattr(pieces, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        proofs.certify("numeric", operations=["conv"], journal=tmp_path, **QUICK)
    monkeypatch.setattr(pieces, "run", lambda target, piece, keep: judged.append(piece) or run(target, piece, keep))
    found = proofs.certify("numeric", operations=["conv"], journal=tmp_path, **QUICK)
    assert found.exit_status() == 0
    assert len(judged) == len(set(map(str, judged))) == len(found.pieces)
    assert not list(tmp_path.rglob("*.pkl"))


def test_results_of_other_code_are_not_taken(tmp_path, monkeypatch):
    run = pieces.run

    def interrupted(target, piece, keep):
        if piece.function != "conv":
            raise KeyboardInterrupt
        return run(target, piece, keep)

    monkeypatch.setattr(pieces, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        proofs.certify("numeric", operations=["conv"], journal=tmp_path, **QUICK)
    judged = []
    monkeypatch.setattr(pieces, "run", lambda target, piece, keep: judged.append(piece) or run(target, piece, keep))
    monkeypatch.setattr(campaign, "digest", lambda: "other")
    found = proofs.certify("numeric", operations=["conv"], journal=tmp_path, **QUICK)
    assert len(judged) == len(found.pieces)


def test_ones_own_sources_are_part_of_the_key(tmp_path, monkeypatch):
    from proofs.conformance.certify import _sources

    package = tmp_path / "kernels_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "fast.py").write_text("a = 1\n")
    (tmp_path / "lonely.py").write_text("a = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = _sources("kernels_of_mine.fast:a"), _sources("lonely:a"), _sources("torch:kernels_of_mine.fast:a")
    assert before[0] == before[2] != before[1]
    (package / "fast.py").write_text("a = 2\n")
    assert _sources("kernels_of_mine.fast:a") != before[0]
    assert _sources("lonely:a") == before[1]
    assert _sources("numeric") == _sources("numeric:fft") == _sources("there_is_no_such:a") == ""


def test_pieces_are_the_same_however_much_their_geometry_has_computed():
    used = replace(LAYERS[0])
    assert used.output_size == used.output_size
    one, other = (Piece("conv", Case(layer, 2), ("structure",)) for layer in (used, replace(LAYERS[0])))
    assert str(one) == str(other)
    assert Piece.parse(str(one)) == one


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": "numeric", "tiers": ["faith"]}, ValueError, "tier must be one of structure, integers, bound"),
        ({"target": "numeric", "operations": ["dense"]}, TargetError, "op must be one of conv, conv_transpose"),
        ({"target": "nonsense"}, TargetError, "no target is called 'nonsense'"),
        ({"target": "numeric", "geometries": "no/such.json"}, GridError, "cannot read layers from no/such.json"),
        ({"target": "numeric", "operations": ["conv3d"], "geometries": LAYERS}, GridError, "no layer of 3 axes"),
        ({"target": 3}, TargetError, "expected a function"),
    ],
)
def test_what_does_not_fit_is_a_clear_error(arguments, error, message):
    with pytest.raises(error, match=message):
        certify(**arguments)


def test_without_dask_the_install_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(TargetError, match=r'to install: pip install "convproof\[dask\]"'):
        proofs.certify("numeric", dask="tcp://127.0.0.1:1", **QUICK)


@pytest.mark.filterwarnings("default")
def test_on_a_dask_cluster():
    distributed = pytest.importorskip("dask.distributed", reason="dask is not installed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        found = proofs.certify("numeric", operations=["conv1d"], dask=cluster.scheduler_address, **QUICK)
    assert found.exit_status() == 0
    assert found.counts[Outcome.CERTIFIED] == len(found.pieces)


def test_no_dask_scheduler_at_the_address():
    pytest.importorskip("dask.distributed", reason="dask is not installed")
    with pytest.raises(TargetError, match="no Dask scheduler answers at nowhere"):
        proofs.certify("numeric", dask="nowhere", **QUICK)


def test_importing_proofs_imports_nothing_of_it():
    code = "import sys, proofs; print([m for m in sys.modules if m.startswith('proofs.conf') or m == 'joblib'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="module 'proofs' has no attribute 'certified'"):
        proofs.certified  # noqa: B018 - raises


def test_results_do_not_depend_on_the_run():
    """What tiers ask is drawn from fixed seeds, so two runs find the same."""
    one, other = (
        proofs.certify("numeric", operations=["conv1d"], geometries=LAYERS, keep_calls=True) for _ in range(2)
    )
    assert [judged.calls for _, judged in one.pieces] == [judged.calls for _, judged in other.pieces]
    assert np.sum([len(judged.calls) for _, judged in one.pieces]) > 20
