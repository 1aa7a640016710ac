"""Many laws at once: on several processes they come out as on one; beside a framework's threads nothing is forked."""

import os
import subprocess
import sys
from types import ModuleType

import pytest

from proofs import LAWS, parallel, prove

MANY = 2 * parallel.FEW


def test_laws_on_several_processes_come_out_as_on_one_in_the_same_order():
    program = f"""
import os
from itertools import islice
from proofs import LAWS, parallel, prove
forks = []
os.register_at_fork(after_in_parent=lambda: forks.append(1))
laws = dict(islice(LAWS.items(), {MANY}))
together = parallel.decide(laws)
processors = len(os.sched_getaffinity(0))
assert bool(forks) == (processors > 1), (forks, processors)
alone = prove(*laws, laws=laws)
assert list(together) == list(alone)
for name in laws:
    assert [(e.tier, e.verdict, e.cases) for e in together[name]] == [(e.tier, e.verdict, e.cases) for e in alone[name]]
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("framework", ["jax", "tensorflow", "torch"])
def test_beside_a_framework_nothing_is_forked(framework, monkeypatch):
    monkeypatch.setitem(sys.modules, framework, ModuleType(framework))
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    laws = dict(list(LAWS.items())[:MANY])
    assert parallel.decide(laws, ["arithmetic"]).keys() == prove(*laws, tiers=["arithmetic"], laws=laws).keys()
