"""One book for all tests of it, made as a reader makes it, and a browser to read it in."""

import socket

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from proofs.__main__ import main
from tests import browser as webdriver


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book") / "book"
    assert main(["report", "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def window():
    if webdriver.DRIVER is None:
        pytest.skip("there is no chromedriver")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with webdriver.browser(port) as made:
        yield made
