"""The full grids: large enough, the trained networks' layers among them; proved in pieces, resumed, on processes."""

import re
from collections import Counter
from dataclasses import replace

import pytest

import proofs.__main__ as command
from numeric import Geometry
from proofs import LAWS, Verdict, campaign
from proofs.grids import full
from proofs.tiers import symbolic
from training.recipes import RECIPES

SMALL = ["winograd-F(2,3)-computes-the-definition", "average-pooling-gradient-is-the-derivative"]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Small grids of a few pieces."""
    for name in SMALL:
        cases = LAWS[name].full()[::20]
        monkeypatch.setitem(LAWS, name, replace(LAWS[name], full=lambda cases=cases: cases))
    campaign._cases.cache_clear()
    monkeypatch.setattr(campaign, "PIECE", 100)
    yield
    campaign._cases.cache_clear()


def _laws():
    return {name: LAWS[name] for name in SMALL}


def test_the_grid_has_six_hundred_geometries_and_more_on_each_number_of_axes():
    geometries = full.geometries()
    assert len(set(geometries)) == len(geometries) >= 600
    assert min(Counter(geometry.ndim for geometry in geometries).values()) >= 90


def test_the_grid_is_every_combination_that_fits():
    """Counted again, axis by axis, without `Geometry`."""
    fits = 0
    for n in (2, 3, 5, 6):
        for k in (1, 2, 3):
            for d in (1, 2):
                for low, high in ((0, 0), (1, 0), (0, 2), (-1, 1)):
                    fits += 3 * 2 * 2 * (d * (k - 1) + 1 <= n + low + high)  # strides, groups, boundaries
    assert sum(geometry.ndim == 1 for geometry in full.geometries()) == fits


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.full])
def test_full_grids_are_larger_in_order_and_without_repetition(name):
    law = LAWS[name]
    cases = law.full()
    assert len(cases) > len(law.cases()) or name in SMALL
    assert len(set(map(str, cases))) == len(cases)


@pytest.mark.parametrize("name", RECIPES)
def test_the_convolutions_and_poolings_of_the_trained_networks_are_in_the_grid(name):
    size = 28
    layers = [(g.input_size, g.kernel_size, g.padding) for g in full.networks()]
    assert {layer.geometry for layer in full.layers()} >= set(full.networks())
    pools = {case.geometry for case in full.pools()}
    for convolution in RECIPES[name].network.convolutions:
        geometry = Geometry((size,) * 2, (convolution.width,) * 2, padding=convolution.padding)
        assert (geometry.input_size, geometry.kernel_size, geometry.padding) in layers
        size = geometry.output_size[0]
        if convolution.pooling > 1:
            assert Geometry((size, size), (convolution.pooling,) * 2, convolution.pooling) in pools
        size //= convolution.pooling


def test_pieces_are_all_cases_once_and_in_order():
    pieces = campaign.pieces(_laws())
    for name in SMALL:
        mine = [piece for piece in pieces if piece.law == name]
        assert [piece.start for piece in mine] == [0, *(piece.stop for piece in mine[:-1])]
        assert mine[-1].stop == len(LAWS[name].full())
        assert len(mine) > 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_it_finds_what_the_tier_finds(jobs, tmp_path, monkeypatch):
    if jobs > 1:  # workers have registries of their own, with the true grids
        monkeypatch.undo()
        campaign._cases.cache_clear()
        laws = {SMALL[1]: LAWS[SMALL[1]]}
    else:
        laws = _laws()
    told = []
    found = campaign.prove(laws, jobs, tmp_path, lambda piece, _, before: told.append((piece, before)))
    for name, law in laws.items():
        expected = symbolic.evidence(law, symbolic.run(law, law.full()), law.full_scope)
        ours = found[name]
        assert (ours.verdict, ours.scope, ours.cases) == (Verdict.PROVED, expected.scope, expected.cases)
        assert ours.path.split(",")[0] == expected.path.split(",")[0]  # as many entries; SymPy takes part in each piece
    assert sorted(map(str, campaign.pieces(laws))) == sorted(str(piece) for piece, _ in told)
    assert not any(before for _, before in told)
    assert not list(tmp_path.rglob("*.pkl"))  # nothing is remembered once it is done


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path):
    def interrupt(piece, result, before):
        told.append(piece)
        if len(told) == 3:
            raise KeyboardInterrupt

    told = []
    with pytest.raises(KeyboardInterrupt):
        campaign.prove(_laws(), 1, tmp_path, interrupt)
    heard = []
    found = campaign.prove(_laws(), 1, tmp_path, lambda piece, _, before: heard.append((piece, before)))
    kept = [piece for piece, before in heard if before]
    assert set(told) <= set(kept)
    assert len(kept) < len(heard)
    assert {evidence.verdict for evidence in found.values()} == {Verdict.PROVED}


def test_results_of_other_code_are_not_taken(tmp_path, monkeypatch):
    def interrupt(piece, result, before):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaign.prove(_laws(), 1, tmp_path, interrupt)
    monkeypatch.setattr(campaign, "digest", lambda: "other code")
    heard = []
    campaign.prove(_laws(), 1, tmp_path, lambda *args: heard.append(args[-1]))
    assert not any(heard)


def test_the_digest_is_of_the_sources(tmp_path, monkeypatch):
    for folder in ("numeric", "proofs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text("a = 1\n")
    monkeypatch.setattr(campaign, "__file__", str(tmp_path / "proofs" / "campaign.py"))
    before = campaign.digest()
    assert before == campaign.digest()
    (tmp_path / "numeric" / "a.py").write_text("a = 2\n")
    assert campaign.digest() != before


def test_a_piece_that_fails_refutes_the_law(tmp_path, monkeypatch):
    name = SMALL[1]
    false = replace(LAWS[name], check=lambda _, of: iter([("planted", of["x"], 2 * of["x"])]))
    monkeypatch.setitem(LAWS, name, false)
    (evidence,) = campaign.prove({name: false}, 1, tmp_path, lambda *_: None).values()
    assert evidence.verdict == Verdict.REFUTED
    assert evidence.counterexample.startswith(str(false.full()[0]))  # the first, though others fail as well


def test_the_command_proves_and_counts(tmp_path, capsys):
    assert command.main(["prove", *SMALL, "--grid", "full", "--journal", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    shapes = sum(len(LAWS[name].full()) for name in SMALL)
    assert f"2 laws: 2 proved, on {shapes} shapes" in out
    assert f"100 %: {shapes} of {shapes} shapes" in err
    assert full.POOLS_SCOPE[:40] in " ".join(out.split())


def test_ctrl_c_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    run = campaign._run
    ran = []

    def interrupted(piece, key):
        ran.append(piece)
        if len(ran) == 4:
            raise KeyboardInterrupt
        return run(piece, key)

    interrupted.__module__, interrupted.__qualname__ = run.__module__, run.__qualname__
    monkeypatch.setattr(campaign, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command.main(["prove", *SMALL, "--grid", "full", "--journal", str(tmp_path)])
    err = " ".join(capsys.readouterr().err.split())
    assert re.search(rf"interrupted: \d+ of \d+ shapes are kept in {tmp_path}; call again to go on", err)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["prove", "--jobs", "2"], "--jobs and --journal are for --grid full"),
        (["prove", "--journal", "x"], "--jobs and --journal are for --grid full"),
        (["prove", "--grid", "huge"], "invalid choice: 'huge'"),
        (["prove", "--grid", "full", "--jobs", "0"], "expected a whole number from 1 up, got '0'"),
        (["prove", "--grid", "full", "--jobs", "two"], "expected a whole number from 1 up, got 'two'"),
        (["prove", SMALL[0], "--grid", "full", "--journal", "/dev/null/x"], "cannot keep results in /dev/null/x"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_two(argv, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        command.main(argv)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_the_journal_is_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert campaign.folder() == tmp_path / "convproof"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert campaign.folder().parts[-2:] == (".cache", "convproof")
