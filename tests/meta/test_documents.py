"""The documents say what is so: their code runs, their counts are the code's, what they name exists."""

import re
from pathlib import Path

import pytest

from proofs import LAWS, audit_sheet
from proofs.__main__ import main
from proofs.audit import Status
from proofs.coq import statements
from tests.laws import test_false_steps, test_false_training_steps
from tests.meta.planted import FAULTS
from tests.meta.test_false_laws import FALSE, FALSE_STEPS

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = " ".join(README.split())


def test_the_python_of_the_readme_runs():
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)  # noqa: S102 - our own text
    assert names["dw"].shape == (6, 2, 5, 3)


def test_the_counts_of_the_readme_are_the_codes():
    derived = sum(law.derivation is not None for law in LAWS.values())
    assert f"derives {derived} of its {len(LAWS)} laws" in WORDS
    facts = [law.arithmetic() for law in LAWS.values() if law.arithmetic]
    behind = [law.theorems for law in LAWS.values() if law.theorems]
    assert f"has Z3 decide the arithmetic of {len(facts)} and Coq check the theorems of {len(behind)}" in WORDS
    assert f"{len(LAWS)} laws: {len(LAWS)} proved, on " in README
    assert f"refutes {sum(law.fails for law in LAWS.values())} popular beliefs" in WORDS
    found = [finding.status for finding in audit_sheet()]
    said = (
        f"Of its {len(found)} lines {found.count(Status.HOLDS)} hold, {found.count(Status.HOLDS_IF)} hold under a "
        f"condition that the sheet leaves out, {found.count(Status.NOT_AS_PRINTED)} do not hold as printed, "
        f"{found.count(Status.CANNOT_BE_CHECKED)} cannot be checked and {found.count(Status.NOTHING_TO_CHECK)} claim"
    )
    assert said in WORDS
    steps = sum(map(len, (FALSE_STEPS, test_false_steps.FALSE, test_false_training_steps.FALSE)))
    planted = f"{len(FAULTS)} planted wrong kernels and functions"
    assert f"{planted}, {len(FALSE)} false laws and {steps} false derivation steps" in WORDS
    changelog = " ".join((ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split())
    assert f"`python -m proofs`: {len(LAWS)} laws" in changelog
    assert f"`derivation` proves {derived} of them" in changelog
    assert f"{len({each.statement for of in facts for each in of})} facts behind {len(facts)} laws" in changelog
    assert f"{len(statements.register())} registered theorems behind {len(behind)} laws" in changelog


def test_the_table_of_the_trust_page_is_the_programs(capsys):
    page = (ROOT / "proofs/README.md").read_text(encoding="utf-8")
    _, _, after = page.partition("<!-- python -m proofs list --format markdown -->\n")
    main(["list", "--format", "markdown"])
    assert after.partition("<!-- end -->")[0] == capsys.readouterr().out


def test_there_are_two_commands_on_the_first_screen():
    first = README[: README.index("<!-- end -->")]
    assert len(first.splitlines()) < 25
    commands = re.findall(r"^    (sh .*)$", first, re.MULTILINE)
    assert [command.split()[-1] for command in commands] == ["proofs", "auto"]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "proofs/README.md", "training/mnist/README.md"])
def test_what_a_document_names_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    paths = re.findall(r"(?:proofs|numeric|training|tests|\.ci)/[\w./]*\w", text)
    here = (ROOT / name).parent
    missing = [path for path in paths if not (ROOT / path).exists() and not (here / path).exists()]
    assert [path for path in missing if "NAME" not in path] == []


def test_lowest_versions_are_the_bounds_of_the_package():
    bounds = dict(re.findall(r'"([a-z0-9-]+)(?:\[and-cuda\])?>=([\d.]+)"', (ROOT / "pyproject.toml").read_text()))
    lowest = dict(re.findall(r"^([a-z0-9-]+)==([\d.]+)", (ROOT / ".ci" / "lowest.txt").read_text(), re.MULTILINE))
    unbounded = {"setuptools", "ruff", "mypy", "mutmut", "torch", "onnx", "onnxruntime", "tf2onnx", "distributed"}
    for package in set(bounds) - unbounded:
        assert lowest[package].startswith(bounds[package]), package
