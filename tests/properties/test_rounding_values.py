"""The bounds on fixed numbers are those that were written down: a bound is a derivation and changes only with it."""

import json

import pytest

from numeric.rounding.approximation import SLACK
from tests.scale.values import CASES, FILE, NETWORKS, finite, network, totals

VALUES = json.loads(FILE.read_text())


def test_every_bound_is_written_down():
    assert set(VALUES) == {*CASES, *NETWORKS}


@pytest.mark.parametrize("name", CASES)
def test_the_bound_is_what_it_was(name):
    """Up to the slack that each bound has for the roundings of its own arithmetic."""
    *recorded, counts = VALUES[name]
    _expect_same(totals(*CASES[name]), recorded)
    assert finite(*CASES[name]) == counts


@pytest.mark.parametrize("name", NETWORKS)
def test_the_bound_of_a_network_is_what_it_was(name):
    _expect_same(network(*NETWORKS[name]), VALUES[name])


def _expect_same(found, recorded):
    for ours, total in zip(found, recorded, strict=True):
        assert total / SLACK <= ours <= total * SLACK
