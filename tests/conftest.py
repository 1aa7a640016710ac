"""Hypothesis profiles: `dev` (default), `ci`, `nightly` and `mutation`, chosen by `HYPOTHESIS_PROFILE`."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "dev",
    max_examples=60,
    deadline=None,  # machines are shared: a slow example is no failure
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=150, print_blob=True)
settings.register_profile("nightly", settings.get_profile("ci"), max_examples=2000)
settings.register_profile(
    "mutation",
    settings.get_profile("dev"),
    max_examples=20,
    derandomize=True,  # every mutant meets the same examples
    database=None,
    phases=[Phase.explicit, Phase.generate],  # nobody reads its counterexample
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
