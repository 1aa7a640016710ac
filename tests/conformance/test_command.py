"""`certify` and `replay` on the command line: what they print and write, exit status, what is said of bad input."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proofs.__main__ import main
from proofs.conformance import pieces

EXAMPLE = Path(__file__).parent / "example"
LAYERS = [
    {"input_size": [4, 3], "kernel_size": [2, 3], "stride": [2, 1], "padding": [[0, 1], [1, 1]], "batch": 2},
    {"input_size": [3, 4], "kernel_size": [2, 1], "in_channels": 2, "out_channels": 4, "groups": 2},
]


@pytest.fixture
def grid(tmp_path):
    file = tmp_path / "layers.json"
    file.write_text(json.dumps(LAYERS), encoding="utf-8")
    return str(file)


@pytest.fixture
def mykernels(tmp_path, monkeypatch):
    """The example's package, to be imported from a folder of its own."""
    shutil.copytree(EXAMPLE / "mykernels", tmp_path / "mykernels")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "mykernels"]:
        del sys.modules[name]


FAST = ["--tier", "structure", "--tier", "integers"]


def _words(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_a_table_premises_and_a_count(grid, capsys):
    assert main(["certify", "numeric", "--op", "average_pool", "--grid", grid]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^numeric, float32$", out, re.MULTILINE)
    assert re.search(r"^function +layers +certified +inexact +unsupported +refuted *$", out, re.MULTILINE)
    assert re.search(r"^average_pool +2 +2 +0 +0 +0 *$", out, re.MULTILINE)
    assert re.search(r"^average_pool.input_gradient +2 +2 +0 +0 +0 *$", out, re.MULTILINE)
    assert re.search(r"^premises: \d+ hold", out, re.MULTILINE)
    assert re.search(r"^2 functions on 2 layers: 4 certified. \d+\.\d\d s$", out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80
    assert "100 %: 6 of 6 functions on layers" in err


def test_what_is_refuted_is_diagnosed(mykernels, capsys):
    argv = ["certify", "mykernels.kernels:hasty_conv2d", "--op", "conv2d", "--layout", "NHWC", *FAST]
    assert main(argv) == 1
    out = _words(capsys)
    assert re.search(r"refuted: conv: structure: ", out)
    assert "stride ignored in the forward pass" in out
    assert "to reproduce: import numpy as np" in out
    assert re.search(r"\d+ certified, \d+ unsupported, 6 not run, \d+ refuted", out)
    assert "takes no groups" in out
    assert main([*argv[:1], "mykernels.kernels:conv2d", *argv[2:]]) == 0
    assert main([*argv[:1], "mykernels.kernels:conv2d", *argv[2:], "--strict"]) == 1  # it takes no groups


def test_inexact_paths_are_named_with_their_bound(tmp_path, capsys):
    file = tmp_path / "layers.json"
    file.write_text(json.dumps([{"input_size": [6, 5], "kernel_size": [3, 3], "out_channels": 2}]), encoding="utf-8")
    argv = ["certify", "numeric:winograd2", "--op", "conv2d", "--grid", str(file)]
    assert main([*argv, "--tier", "bound"]) == 0
    out = _words(capsys)
    assert re.search(r"inexact: conv: bound: .*Winograd F\(2,3\).* bound", out)
    assert main([*argv, "--tier", "bound", "--strict"]) == 1


def test_a_record_is_written_whole_and_judged_again(grid, tmp_path, capsys):
    file = tmp_path / "record.json"
    assert main(["certify", "numeric", "--op", "conv", "--grid", grid, *FAST, "--json", str(file)]) == 0
    first = capsys.readouterr().out.splitlines()
    assert json.loads(file.read_text(encoding="utf-8"))["target"]["name"] == "numeric"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layers.json", "record.json"]
    assert main(["replay", str(file)]) == 0
    again = capsys.readouterr().out.splitlines()
    assert [line for line in first if "certified" in line and " s" not in line] == [
        line for line in again if "certified" in line and " s" not in line
    ]
    assert "not a proof against a forger" in " ".join(" ".join(again).split())


def test_replaying_needs_no_framework(grid, tmp_path):
    """A fresh interpreter judges a record, and has imported no adapter of a target."""
    file = tmp_path / "record.json"
    assert main(["certify", "numeric", "--op", "conv", "--grid", grid, *FAST, "--json", str(file)]) == 0
    code = (
        "import sys; from proofs.__main__ import main; status = main(sys.argv[1:]);"
        "print(status, [m for m in sys.modules if m.startswith(('proofs.conformance.adapters.n', 'tensorflow'))])"
    )
    done = subprocess.run([sys.executable, "-c", code, "replay", str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_what_is_judged_again_is_a_record_too(grid, tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert main(["certify", "numeric", "--op", "conv", "--grid", grid, *FAST, "--json", str(first)]) == 0
    assert main(["replay", str(first), "--json", str(second)]) == 0
    one, two = (json.loads(file.read_text(encoding="utf-8")) for file in (first, second))
    for name in ("format", "target", "grid", "counts", "layers", "arrays"):
        assert one[name] == two[name]
    assert main(["replay", str(second)]) == 0


def test_an_interrupted_run_says_how_to_go_on(grid, tmp_path, capsys, monkeypatch):
    run, ran = pieces.run, []

    def interrupted(target, piece, keep):
        ran.append(piece)
        if len(ran) == 3:
            raise KeyboardInterrupt
        return run(target, piece, keep)

    argv = ["certify", "numeric", "--op", "conv", "--grid", grid, *FAST, "--journal", str(tmp_path / "kept")]
    monkeypatch.setattr(pieces, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main(argv)
    assert "interrupted: 2 of 14 functions on layers are kept in " in capsys.readouterr().err
    monkeypatch.setattr(pieces, "run", run)
    assert main(argv) == 0
    assert "2 of 14 functions on layers were decided before this run was interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["certify"], "the following arguments are required: TARGET"),
        (["certify", "nonsense"], "no target is called 'nonsense': name one of numeric, tensorflow"),
        (["certify", "no.such:thing"], "no.such cannot be imported: ModuleNotFoundError"),
        (["certify", "numeric:faith"], "numeric has the paths "),
        (["certify", "numeric", "--op", "dense"], "op must be one of conv, conv_transpose"),
        (["certify", "numeric", "--layout", "CHWN"], "invalid choice: 'CHWN'"),
        (["certify", "numeric", "--dtype", "float8"], "dtype must be one of float64, float32"),
        (["certify", "numeric", "--device", "cuda"], "numeric runs on the CPU alone, not on 'cuda'"),
        (["certify", "numeric", "--grid", "huge"], "cannot read layers from huge: "),
        (["certify", "numeric", "--tier", "faith"], "invalid choice: 'faith'"),
        (["certify", "numeric", "--jobs", "0"], "expected a whole number from 1 up, got '0'"),
        (["certify", "numeric", "--json", "no/such/folder/file"], "cannot write no/such/folder/file"),
        (["certify", "numeric", "--journal", "/dev/null/x", "--op", "conv1d"], "cannot keep results in /dev/null/"),
        (["replay"], "the following arguments are required: FILE"),
        (["replay", "no/such/file"], "cannot read no/such/file: "),
        (["replay", "README.md"], "cannot read README.md: "),
        (["--json", "no/file.json", "replay", "record.json"], "cannot write no/file.json"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_two(argv, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    error = capsys.readouterr()
    assert message in error.err
    assert len(error.err.splitlines()[-1].splitlines()) == 1
    assert error.out == ""


@pytest.mark.parametrize("framework", ["torch", "jax", "onnxruntime"])
def test_a_missing_framework_is_a_line_with_the_command_that_installs_it(framework, capsys, monkeypatch):
    find = __import__("importlib.util").util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == framework else find(name, *rest)
    )
    with pytest.raises(SystemExit) as exit_:
        main(["certify", framework])
    assert exit_.value.code == 2
    assert f'to install: pip install "convproof[certify-{framework}]"' in capsys.readouterr().err


def test_where_nothing_runs_the_status_is_two(grid, capsys):
    assert main(["certify", "numeric:winograd2", "--op", "conv2d", "--grid", grid, *FAST]) == 2
    assert "unsupported: conv and 6 more: winograd2 needs kernels of size 3" in _words(capsys)
