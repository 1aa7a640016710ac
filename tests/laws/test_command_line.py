"""The command line: what it prints and writes, its exit status, what it imports, and what it says of bad input."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import entry_points

import pytest

from proofs import LAWS, TIERS
from proofs.__main__ import entry, main
from proofs.audit import Claim, Line
from proofs.report.latex import latex
from proofs.report.terms import text
from proofs.tiers import FULL

FRAMEWORKS = ("tensorflow", "keras", "torch", "jax", "hypothesis", "pytest", "matplotlib")


def test_every_law_is_printed_with_statement_tiers_sizes_and_time(capsys):
    assert main([]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for name, law in LAWS.items():
        assert name in out
        assert " ".join(law.statement.split()) in out
        assert " ".join(law.scope.split())[:30] in out
    assert f"{len(LAWS)} laws: {len(LAWS)} proved, on " in out


def test_the_json_has_the_documented_fields(tmp_path, capsys):
    file = tmp_path / "verdicts.json"
    assert main(["--json", str(file)]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))
    assert [law["name"] for law in found["laws"]] == list(LAWS)
    for law in found["laws"]:
        assert set(law) == {"name", "statement", "source", "fails", "verdict", "tiers"}
        assert law["verdict"] == "proved"
        for tier in law["tiers"]:
            expected = {"tier", "verdict", "scope", "path", "assumptions", "cases", "seconds", "counterexample"}
            assert set(tier) == expected
            assert tier["tier"] in TIERS
            assert tier["cases"] > 0
            assert tier["assumptions"]
    assert list(tmp_path.iterdir()) == [file]


def test_the_list_as_json_is_the_registry(tmp_path, capsys):
    file = tmp_path / "laws.json"
    assert main(["list", "--json", str(file)]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))["laws"]
    assert [law["name"] for law in found] == list(LAWS)
    for law in found:
        assert law["statement"] == LAWS[law["name"]].statement
        assert ("derivation" in law["tiers"]) == (LAWS[law["name"]].derivation is not None)
    assert LAWS[found[0]["name"]].statement in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "name", ["weight-gradient-is-rotated-input-convolved-with-cotangent", "gradients-are-adjoints"]
)
def test_an_explanation_as_json_has_every_line(name, capfdbinary):
    assert main(["explain", name, "--json", "-"]) == 0
    out, err = capfdbinary.readouterr()
    found = json.loads(out)  # nothing else is there
    assert name.encode() in err
    derivation = LAWS[name].derivation()
    lines = [step for chain in found["derivation"]["chains"] for step in chain["steps"]]
    assert [line["number"] for line in lines] == list(range(1, len(derivation.steps) + 1))
    for line, step in zip(lines, derivation.steps, strict=True):
        assert line["line"] == {"text": text(step.right), "latex": latex(step.right)}
        assert line["rule"] == step.rule.named(text)
        assert line["because"] == step.because
    assert [goal["left"]["text"] for goal in found["derivation"]["goals"]] == [
        text(left) for left, _ in derivation.goals
    ]
    assert found["verdict"] == "proved"


def test_a_law_without_a_derivation_has_none_in_json(capfdbinary):
    name = next(name for name, law in LAWS.items() if law.derivation is None)
    assert main(["explain", name, "--json", "-"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["derivation"] is None


def test_one_law_by_one_tier(capsys):
    name = "gradients-are-adjoints"
    assert main(["prove", name, "--tier", "symbolic"]) == 0
    out = capsys.readouterr().out
    assert "1 law: 1 proved, on 15 shapes." in out
    assert "steps" not in out


def test_a_law_that_no_tier_asked_for_can_decide_is_not_run_and_not_proved(capsys):
    assert main(["prove", "convolution-theorem", "--tier", "derivation"]) == 1
    assert "not run" in capsys.readouterr().out


@pytest.mark.parametrize("grid", [[], ["--grid", "full"]])
def test_a_tier_that_is_asked_for_decides_the_laws_that_it_can(grid, capsys, tmp_path):
    file = tmp_path / "verdicts.json"
    assert main(["prove", "--tier", "arithmetic", "--json", str(file), *grid]) == 0
    found = json.loads(file.read_text(encoding="utf-8"))["laws"]
    assert [law["name"] for law in found] == [name for name, law in LAWS.items() if law.arithmetic]
    assert {tier["tier"] for law in found for tier in law["tiers"]} == {"arithmetic"}
    assert f"{len(found)} laws: {len(found)} proved." in capsys.readouterr().out


def test_a_tier_that_takes_long_is_not_run_by_default_and_says_how(capsys):
    name = "gradients-are-adjoints"
    assert main(["prove", name]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert re.search(r"coq not run \d theorems? symbolic", out)
    assert "coq: not run for 1 law; " in out
    assert main(["explain", name]) == 0
    assert "because: coqc" in capsys.readouterr().out


def test_the_full_grid_tries_derivations_at_more_sizes():
    law = LAWS["layer-is-bilinear"]
    few, many = (int(re.search(r"at (\d+) sizes", of["derivation"](law).path)[1]) for of in (TIERS, FULL))
    assert many == 10 * few > 0


def test_list_names_every_law_with_its_tiers(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for name, law in LAWS.items():
        able = {"derivation": law.derivation, "arithmetic": law.arithmetic, "coq": law.theorems, "symbolic": True}
        tiers = ", ".join(tier for tier in TIERS if able[tier])
        full, fails = ", full grid" if law.full else "", ", counterexample" if law.fails else ""
        assert f"{name}\n    {tiers}{full}{fails}\n" in out


@pytest.mark.parametrize("name", LAWS)
def test_explain_prints_every_step_with_its_rule(name, capsys):
    assert main(["explain", name]) == 0
    out = " ".join(capsys.readouterr().out.split())
    law = LAWS[name]
    for step in law.derivation().steps if law.derivation else ():
        assert step.rule.named(text) in out
        assert step.because in out
    for assumption in law.assumptions:
        assert assumption in out
    assert "symbolic: proved" in out


def test_sheet_prints_and_writes_every_line(tmp_path, capsys):
    file = tmp_path / "sheet.json"
    assert main(["sheet", "--json", str(file)]) == 0
    out = capsys.readouterr().out
    lines = json.loads(file.read_text(encoding="utf-8"))["lines"]
    for status in ("holds", "holds if", "as printed it does not", "cannot be checked"):
        assert status in out
        assert status in {line["status"] for line in lines}
    assert all(line["text"].split()[0] in out for line in lines)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["prove", "gradients-are-adjoint"],
            "there is no law named 'gradients-are-adjoint'; did you mean 'gradients-are-adjoints'",
        ),
        (["prove", "qqqq"], r"there is no law named 'qqqq' ('list' shows all)"),
        (["explain", "qqqq"], "there is no law named 'qqqq'"),
        (["prove", "--tier", "faith"], "invalid choice: 'faith'"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["--json", "no/such/folder/file.json"], "cannot write no/such/folder/file.json"),
        (["sheet", "--json", "."], "cannot write .: . is not a regular file"),
        (["--json", "/dev/stdout"], "cannot write /dev/stdout: /dev/stdout is not a regular file"),
        (["list", "--json", "no/file.json"], "cannot write no/file.json"),
        (["--json", "file.json", "report", "-o", "book"], "'report' finds nothing to write to file.json"),
        (["--json", "-", "animate", "-o", "a.gif"], "'animate' finds nothing to write to -"),
        (["explain", ""], "there is no law named ''"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_two(argv, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    error = capsys.readouterr()
    assert message in error.err
    assert error.out == ""  # said before any work


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "verdicts.json", tmp_path / "link.json"
    link.symlink_to(target)
    assert main(["prove", "gradients-are-adjoints", "--json", str(link)]) == 0
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="utf-8"))["laws"]
    assert target.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_is_not_proved_is_told_and_makes_the_exit_status_one(capsys, monkeypatch):
    name = "gradients-are-adjoints"
    false = replace(LAWS[name], check=lambda _, of: iter([("planted", of["x"], 2 * of["x"])]))
    assert main(["prove", name], {name: false}) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "refuted: 1 to 3 axes" in out
    assert "planted: entry (0, 0, 0) left = x[0,0,0], right = 2*x[0,0,0]; with x[0,0,0] = 1" in out
    assert main(["explain", name], {name: false}) == 1
    assert "symbolic: refuted" in capsys.readouterr().out
    monkeypatch.setattr("proofs.sheet.LINES", (Line("9", "1 = 2", lambda: Claim([1], lambda _: "no")),))
    assert main(["sheet"]) == 1
    assert "1 × undecided" in capsys.readouterr().out


def test_it_starts_without_a_framework():
    """A fresh interpreter proves everything, and has imported neither a framework nor a test tool."""
    code = (
        "import sys; from proofs.__main__ import main; status = main([]);"
        f"print(status, sorted(set(sys.modules) & set({FRAMEWORKS})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_the_module_and_a_pipe_that_closes_early():
    """`python -m proofs list | head -1` ends without a trace."""
    with subprocess.Popen(
        [sys.executable, "-m", "proofs", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_terminal_without_unicode_is_no_obstacle():
    done = subprocess.run(
        [sys.executable, "-m", "proofs", "list"],
        capture_output=True,
        check=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert b"convolution-commutes-with-translation" in done.stdout


def test_the_console_command_is_the_same_program():
    (command,) = entry_points(group="console_scripts", name="convproof")
    assert command.load() is entry
