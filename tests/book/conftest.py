"""One book for all tests of it, made as a reader makes it."""

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from proofs.__main__ import main


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book") / "book"
    assert main(["report", "-o", str(folder)]) == 0
    return folder
