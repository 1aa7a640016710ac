"""The notebook runs from its first cell to its last, and shows what it did when it was stored."""

import json
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[2]
FILE = ROOT / "notebooks" / "from_sheet_to_certificate.ipynb"


def run(notebook, folder):
    """Run a notebook with this interpreter, on a kernel that is made for it."""
    kernel = folder / "kernels" / "this"
    kernel.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "this", "language": "python"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        patch.setenv("PYTHONWARNINGS", "ignore")
        patch.setenv("PYTHONPATH", str(ROOT))
        NotebookClient(
            notebook, timeout=120, kernel_name="this", resources={"metadata": {"path": str(folder)}}
        ).execute()
    return notebook


def outputs(notebook):
    """Words that code cells show, but for times, versions and how large an error is, which depend on the machine."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for kind, text in sorted((output.get("data") or {output["output_type"]: output.get("text", "")}).items()):
                varies = r"\d+\.\d+ s\b|(numpy|machine|code|reaches) \S+"
                yield kind, re.sub(varies, "…", " ".join("".join(text).split()))


@pytest.mark.filterwarnings("ignore")
def test_the_notebook_runs_and_shows_what_is_stored(tmp_path):
    stored = nbformat.read(FILE, as_version=4)
    nbformat.validate(stored)
    before = list(outputs(stored))
    assert len(before) > 15
    assert {"text/html", "text/plain", "text/latex", "stream"} <= {kind for kind, _ in before}
    assert list(outputs(run(stored, tmp_path))) == before


def test_another_output_than_the_stored_one_is_noticed():
    stored = nbformat.read(FILE, as_version=4)
    before = list(outputs(stored))
    shown = next(output for cell in stored.cells for output in cell.get("outputs", ()) if "data" in output)
    shown["data"]["text/plain"] += " more"
    assert list(outputs(stored)) != before


@pytest.mark.filterwarnings("ignore")
def test_a_cell_that_fails_is_noticed(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("assert 1 == 2")])
    with pytest.raises(CellExecutionError, match="AssertionError"):
        run(notebook, tmp_path)
