"""Pieces that kill their process: each is found, once, and everything else is run."""

import os
from pathlib import Path

from proofs.conformance import certify as module
from proofs.conformance.certify import certify
from proofs.conformance.outcome import Outcome
from proofs.conformance.processes import isolated


def _square(piece: int, key: str) -> int:
    """Fails as native code does, without an exception."""
    if piece in (3, 4, 11):
        os.abort()
    return piece**2 + len(key)


def test_what_dies_is_told_and_the_rest_is_run():
    found = dict(isolated(_square, range(13), "k", 2, lambda piece: -piece))
    assert found == {piece: -piece if piece in (3, 4, 11) else piece**2 + 1 for piece in range(13)}


def test_nothing_to_do_is_done():
    assert list(isolated(_square, (), "", 1, lambda piece: piece)) == []


KERNEL = """
import os
from numeric import conv


def conv2d(x, w, **options):
    if options["stride"] == (2, 2):
        os.abort()
    return conv(x, w, **options)
"""


def test_a_kernel_that_aborts_is_refuted_where_it_does(tmp_path: Path, monkeypatch):
    (tmp_path / "aborting.py").write_text(KERNEL)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    report = certify("aborting:conv2d", operations=["conv2d"], isolate=True, jobs=2)
    for piece, judged in report.pieces:
        dead = any(finding.detail == module.DIED for finding in judged.findings)
        runs = judged.findings[0].outcome not in (Outcome.UNSUPPORTED, Outcome.NOT_RUN)
        assert dead == (runs and piece.case.geometry.stride == (2, 2))
    assert report.counts[Outcome.REFUTED] > 0
    assert report.counts[Outcome.CERTIFIED] > 0
    assert report.diagnoses == ()  # nor would we survive it
