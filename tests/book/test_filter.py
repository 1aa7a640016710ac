"""Tables that can be filtered, in a headless Chromium: what is shown fits, what is hidden does not, all are counted."""

import pytest

from proofs import LAWS, prove
from proofs.book.site import title

SHOWN = "[...document.querySelectorAll(arguments[0])].filter((row) => row.checkVisibility())"
LAW, CERTIFICATE = ".matrix tr[data-tier]", "tr[data-target]"


def choose(window, name, value):
    window.run(
        """const field = document.querySelector(`.filter [name=${arguments[0]}]`); field.value = arguments[1];
        field.dispatchEvent(new Event('input', {bubbles: true}))""",
        name,
        value,
    )


def names(window):
    return window.run(f"return {SHOWN}.map((row) => row.querySelector('.law-name').textContent)", LAW)


def told(window):
    return window.run("return document.querySelector('.filter [role=status]').textContent")


@pytest.fixture
def laws(window, book):
    window.open((book / "laws.html").as_uri())
    return window


def test_every_law_is_there_at_first(laws):
    assert names(laws) == list(map(title, LAWS))
    assert told(laws) == f"{len(LAWS)} of {len(LAWS)} laws"


def test_laws_are_found_by_their_words_in_any_case(laws):
    choose(laws, "text", "ROT180")
    held = [law for law in LAWS.values() if "rot180" in f"{title(law.name)} {law.statement}".lower()]
    assert names(laws) == [title(law.name) for law in held]
    assert 0 < len(held) < len(LAWS)
    assert told(laws) == f"{len(held)} of {len(LAWS)} laws"
    choose(laws, "text", "")
    assert names(laws) == list(map(title, LAWS))


def test_laws_are_found_by_the_tier_that_decided_them_and_families_without_one_are_hidden(laws):
    choose(laws, "tier", "arithmetic")
    assert names(laws) == [title(name) for name, law in LAWS.items() if law.arithmetic is not None]
    families = laws.run(f"return {SHOWN}.map((row) => row.textContent)", ".matrix .family")
    modules = dict.fromkeys(law.check.__module__ for law in LAWS.values() if law.arithmetic is not None)
    assert len(families) == len(modules)
    choose(laws, "tier", "coq")  # which a book does not run unless it is asked to
    assert names(laws) == []
    assert told(laws) == f"0 of {len(LAWS)} laws"


def test_filters_hold_together(laws):
    choose(laws, "tier", "derivation")
    choose(laws, "text", "pool")
    both = [
        title(name)
        for name, law in LAWS.items()
        if law.derivation is not None and "pool" in f"{title(name)} {law.statement}".lower()
    ]
    assert names(laws) == both != []


def test_certificates_are_found_by_target_function_and_outcome(window, book):
    window.open((book / "certificates.html").as_uri())
    functions = f"return {SHOWN}.map((row) => row.dataset.function)"
    every = window.run(functions, CERTIFICATE)
    choose(window, "function", "conv.weight_gradient")
    ours = [name for name in every if name == "conv.weight_gradient"]
    assert window.run(functions, CERTIFICATE) == ours != every
    assert told(window) == f"{len(ours)} of {len(every)} rows"
    choose(window, "outcome", "certified")
    choose(window, "target", "numeric, float32")
    assert window.run(functions, CERTIFICATE) == ours


def test_without_javascript_all_rows_are_there_and_no_form(window, book):
    window.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.open((book / "laws.html").as_uri())
        assert len(names(window)) == len(LAWS)
        assert not window.run("return document.querySelector('.filter').checkVisibility()")
    finally:
        window.devtools("Emulation.setScriptExecutionDisabled", value=False)


def test_numbers_in_the_table_are_those_of_the_verdicts(laws):
    name = "gradients-are-adjoints"
    (evidence,) = prove(name).values()
    cells = laws.run(
        """return Object.fromEntries([...document.querySelector(`a[href="laws/${arguments[0]}.html"]`).closest('tr')
        .querySelectorAll('td[data-tier]')].map((cell) => [cell.dataset.tier, cell.textContent]))""",
        name,
    )
    assert set(cells) == {item.tier for item in evidence}
    for item in evidence:
        assert cells[item.tier].split()[1:][-1] == (str(item.cases) if item.verdict == "proved" else "run")
