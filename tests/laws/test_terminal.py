"""Output for people: colours where a terminal wants them, plain text in a pipe, no line wider than the window."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

NAME = "zero-same-padding-is-not-equivariant"
LAYER = [{"input_size": [4, 3], "kernel_size": [2, 2], "stride": 2, "in_channels": 2, "out_channels": 2}]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What commands read: a grid of one layer, and a record."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "grid.json").write_text(json.dumps(LAYER), encoding="utf-8")
    run(["certify", "numeric", "--grid", str(folder / "grid.json"), "--json", str(folder / "record.json")])
    return folder


def commands(files: Path):
    """Every command that prints something to read."""
    derived = "weight-gradient-is-rotated-input-convolved-with-cotangent"
    return {
        "prove": ["prove", NAME, derived],
        "list": ["list"],
        "explain": ["explain", derived],
        "sheet": ["sheet"],
        "certify": ["certify", "numeric", "--op", "conv", "--grid", str(files / "grid.json")],
        "replay": ["replay", str(files / "record.json")],
        "animate": ["animate", "-o", str(files / "a.svg")],
    }


COMMANDS = ["prove", "list", "explain", "sheet", "certify", "replay", "animate"]


def environment(**more: str) -> dict[str, str]:
    plain = {
        k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "PY_COLORS")
    }
    return {**plain, "TERM": "xterm-256color", **more}


def run(arguments: list[str], **more: str) -> str:
    """What it prints into a pipe."""
    command = [sys.executable, "-m", "proofs", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment(**more), check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def on_a_terminal(arguments: list[str], **more: str) -> str:
    """What it prints onto a terminal of 80 columns."""
    main, end = pty.openpty()
    given = environment(COLUMNS="80", **more)
    with subprocess.Popen([sys.executable, "-m", "proofs", *arguments], stdout=end, stderr=end, env=given) as process:
        os.close(end)
        shown = b""
        while True:
            ready, _, _ = select.select([main], [], [], 120)
            assert ready, "it hangs"
            try:
                part = os.read(main, 65536)
            except OSError:  # Linux's end of a terminal
                break
            if not part:
                break
            shown += part
        assert process.wait() == 0
    os.close(main)
    return shown.decode("utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_gets_plain_text(name, files):
    assert "\x1b" not in run(commands(files)[name])


WORDS = {
    "prove": "proved",
    "list": NAME,
    "explain": "proved",
    "sheet": "as printed it does not",
    "certify": "certified",
    "replay": "certified",
}


@pytest.mark.parametrize("name", WORDS)
def test_a_terminal_gets_colours_and_the_same_words(name, files):
    shown = on_a_terminal(commands(files)[name])
    assert re.search(r"\x1b\[[0-9;]*3[1-6]m", shown), "no colour"
    words = ESCAPE.sub("", shown)
    assert WORDS[name] in words
    assert WORDS[name] in run(commands(files)[name])


@pytest.mark.parametrize("no", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colours_gets_none(no, files):
    shown = on_a_terminal(commands(files)["prove"], **no)
    assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|9[0-7])m", shown)


def test_progress_is_shown_on_a_terminal(files):
    shown = ESCAPE.sub("", on_a_terminal(commands(files)["certify"]))
    done, total = re.findall(r"(\d+) of (\d+) functions on layers", shown)[-1]
    assert int(done) == int(total) > 0
    assert "━" in shown


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_is_wider_than_the_window(name, columns, files):
    for line in run(commands(files)[name], COLUMNS=str(columns)).splitlines():
        longest = max(map(len, line.split()), default=0)  # a word is not broken
        assert len(line.rstrip()) <= max(columns, longest + len(line) - len(line.lstrip())), line


@pytest.mark.parametrize("name", [None, *COMMANDS, "report"])
def test_help_fits_into_80_columns(name):
    help_ = run([*([name] if name else []), "--help"], COLUMNS="80")
    assert "usage:" in help_
    assert max(map(len, help_.splitlines())) <= 80
