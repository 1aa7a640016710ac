"""The book as markup: by the rules of HTML without an error, MathML whose elements are whole, colours one can read."""

import re
from collections import Counter
from importlib.resources import files

import html5lib
import pytest

from proofs.audit import Status
from proofs.book.site import SIGNS
from proofs.conformance.outcome import Outcome
from proofs.law import Verdict

HTML, MATH = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/1998/Math/MathML}"
CHILDREN = {"msub": 2, "msup": 2, "mfrac": 2, "munder": 2, "munderover": 3}
TEXTS = {"mi", "mn", "mo", "mtext"}
SURFACES = ("paper", "raised", "soft")
INKS = ("ink", "quiet", "link", "read", "good", "bad", "open")


def parsed(text):
    """The tree of a page; `ParseError` where it is not HTML by the letter."""
    return html5lib.HTMLParser(strict=True).parse(text)


@pytest.fixture(scope="module")
def trees(book):
    return {
        str(file.relative_to(book)): parsed(file.read_text(encoding="utf-8")) for file in sorted(book.rglob("*.html"))
    }


def test_markup_that_is_not_html_is_seen():
    with pytest.raises(html5lib.html5parser.ParseError):
        parsed("<!doctype html><title>t</title><p><div></p>")


def test_every_page_has_its_language_one_heading_of_the_first_rank_and_landmarks(trees):
    for name, tree in trees.items():
        assert tree.get("lang") == "en", name
        tags = Counter(element.tag for element in tree.iter())
        assert [tags[HTML + tag] for tag in ("title", "h1", "header", "main", "footer")] == [1] * 5, name
        assert tree.find(f".//{HTML}meta[@name='viewport']") is not None, name
        assert tree.find(f".//{HTML}a[@class='skip'][@href='#content']") is not None, name


def test_headings_do_not_skip_a_rank(trees):
    for name, tree in trees.items():
        ranks = [int(element.tag[-1]) for element in tree.iter() if re.fullmatch(r"h\d", element.tag[len(HTML) :])]
        assert all(later <= before + 1 for before, later in zip([0, *ranks], ranks, strict=False)), name


def test_elements_of_formulas_have_the_parts_that_they_need(trees):
    seen = Counter()
    for name, tree in trees.items():
        for element in tree.iter():
            tag = element.tag.removeprefix(MATH)
            if tag == element.tag:
                continue
            seen[tag] += 1
            assert len(element) == CHILDREN.get(tag, len(element)), name
            assert (tag in TEXTS) == bool((element.text or "").strip()), name
            assert (tag in TEXTS) == (len(element) == 0), name
    assert set(seen) == {"math", "mrow", "msqrt", *CHILDREN, *TEXTS}  # every one that is checked is used
    assert seen["math"] > 1000


def test_every_word_of_a_verdict_has_a_sign_beside_its_colour():
    words = {str(word) for kind in (Verdict, Outcome, Status) for word in kind}
    assert set(map(str, SIGNS)) == words
    colours = dict(SIGNS.values())
    assert all(colours[sign] == colour for sign, colour in SIGNS.values())


def test_a_sign_and_a_word_stand_wherever_a_verdict_is_told(trees):
    for name, tree in trees.items():
        for mark in tree.iter(f"{HTML}span"):
            if "mark" in (mark.get("class") or "").split():
                sign, *words = "".join(mark.itertext()).split()
                assert any(sign == signs and " ".join(words).startswith(word) for word, (signs, _) in SIGNS.items()), (
                    name
                )


def luminance(colour):
    """Of W3C's WCAG 2.2."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_surface(scheme):
    css = (files("proofs.book") / "static" / "book.css").read_text(encoding="utf-8")
    schemes = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", schemes[scheme == "dark"]))
    pairs = [(ink, surface) for ink in INKS for surface in SURFACES]
    pairs += [(word, f"{word}-soft") for word in ("good", "bad", "open", "read")]
    for ink, surface in pairs:
        assert contrast(colours[ink], colours[surface]) >= 4.5, f"{ink} on {surface}"
