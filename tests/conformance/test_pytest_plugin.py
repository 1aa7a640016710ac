"""The conformance suite in a third party's own tests: the example, run as its author would."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from numeric import Geometry
from proofs.conformance import geometries
from proofs.conformance.geometries import Case, GridError
from proofs.conformance.pytest import conformance
from proofs.conformance.target import TargetError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).parent / "example"
LAYERS = [
    Geometry((4, 3), (2, 3), stride=(2, 1), padding=((0, 1), 1), in_channels=2, out_channels=3),
    Geometry((5,), (2,), dilation=2, in_channels=2, out_channels=4, groups=2),
]

test_numeric = conformance("numeric", grid=LAYERS, tiers=["structure", "integers"])
test_numeric_premises = conformance("numeric", op="max_pool", grid=LAYERS, tiers=["premises"])


def _pytest(folder, *argv):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *argv],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))},
    )
    return done.returncode, done.stdout


@pytest.fixture
def project(tmp_path):
    """The example in a folder of its own, with a name that pytest finds."""
    shutil.copytree(EXAMPLE / "mykernels", tmp_path / "mykernels")
    shutil.copy(EXAMPLE / "check_mykernels.py", tmp_path / "test_mykernels.py")
    return tmp_path


def test_the_example_passes_for_what_is_right_and_says_what_is_wrong(project):
    status, out = _pytest(project, "-rfs", "-k", "not premises")
    assert status == 1
    failed = re.findall(r"^FAILED test_mykernels.py::(\w+)\[(.*?)\]", out, re.MULTILINE)
    assert failed
    assert {name for name, _ in failed} == {"test_hasty_conv2d"}
    assert all("stride1x2" in identity for _, identity in failed)
    assert "conv is refuted, by structure: " in out
    assert "stride ignored in the forward pass" in out
    assert "smallest failing layer: " in out
    assert "Traceback" not in out
    assert "takes no groups" in out  # skipped, with its reason
    assert re.search(r"\d+ failed, \d+ passed, \d+ skipped", out)


def test_the_right_kernel_passes_premises_included(project):
    status, out = _pytest(project, "-q", "-k", "test_conv2d")
    assert status == 0, out
    listed = _pytest(project, "--collect-only", "-q", "-k", "test_conv2d")[1]
    assert "test_conv2d[premises-conv]" in listed
    assert "test_conv2d[8x7-kernel3x3-padding1+1x1+1-channels16to16-batch2]" in listed


def test_strict_fails_for_what_is_unsupported(project):
    (project / "test_mykernels.py").write_text(
        "from proofs.conformance.pytest import conformance\n"
        "from numeric import Geometry\n"
        "layers = [Geometry((4, 3), (2, 1), in_channels=2, out_channels=4, groups=2)]\n"
        "test_it = conformance('mykernels.kernels:conv2d', op='conv2d', layout='NHWC', grid=layers, strict=True)\n"
    )
    status, out = _pytest(project, "-q", "-k", "not premises")
    assert status == 1
    assert "conv is unsupported, by structure: mykernels.kernels:conv2d takes no groups" in out


def test_a_target_that_is_not_there_fails_in_the_tests(project):
    (project / "test_mykernels.py").write_text(
        "from proofs.conformance.pytest import conformance\ntest_it = conformance('mykernels.kernels:conv3d')\n"
    )
    status, out = _pytest(project, "-q", "-x")
    assert status == 1
    assert "TargetError: mykernels.kernels has no conv3d; it has conv2d, hasty_conv2d" in out


def test_what_does_not_fit_is_said_when_it_is_written():
    with pytest.raises(TargetError, match="op must be one of conv"):
        conformance("numeric", op="dense")
    with pytest.raises(GridError, match="cannot read layers from nowhere"):
        conformance("numeric", grid="nowhere")


def test_names_of_tests_can_be_read_and_differ():
    assert geometries.words(Case(LAYERS[0], 2), "-", "") == "4x3-kernel2x3-stride2x1-padding0+1x1+1-channels2to3-batch2"
    assert geometries.words(Case(LAYERS[1], 1)) == "5, kernel 2, dilation 2, channels 2to4, groups 2, batch 1"
    names = [geometries.words(case, "-", "") for case in geometries.full()]
    assert len(set(names)) == len(names)
