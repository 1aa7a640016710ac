"""The book as files: what the registries and the verdicts say is on its pages, and nothing leads nowhere."""

import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from proofs import LAWS, audit_sheet, certify
from proofs.__main__ import main
from proofs.book import command, publish
from proofs.book.site import PAGES

BLOCKS = {"td", "th", "p", "dd", "dt", "li", "h1", "h2", "h3", "pre", "br"}
VOID = {"meta", "link", "br", "input", "img", "hr"}


class Page(HTMLParser):
    """A page's text, links, ids, titles; tags that are not closed as they were opened are an error."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.words, self.links, self.ids, self.open = [], [], [], []
        self.feed(file.read_text(encoding="utf-8"))
        assert not self.open, f"{file}: {self.open} are left open"
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag, attributes):  # noqa: D102 - HTMLParser calls it
        given = dict(attributes)
        self.links += [given[name] for name in ("href", "src") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):  # noqa: D102
        assert self.open.pop() == tag
        self.words += [" "] * (tag in BLOCKS)

    def handle_data(self, data):  # noqa: D102
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


@pytest.fixture(scope="module")
def pages(book):
    return {str(file.relative_to(book)): Page(file) for file in sorted(book.rglob("*.html"))}


def flat(words):
    return " ".join(words.split())


def test_every_law_has_a_page_with_all_that_is_known_of_it(pages):
    for name, law in LAWS.items():
        text = pages[f"laws/{name}.html"].text
        for said in (name, law.statement, law.source, *law.assumptions, *law.theorems):
            assert flat(said) in text, name
        for tier in ("derivation",) * (law.derivation is not None) + ("symbolic",):
            assert re.search(rf"{tier} ✓ proved \d+ (step|shape)s?, \d+\.\d\d s scope", text), name
        if law.derivation is not None:
            for step in law.derivation().steps:
                assert not step.because or flat(step.because) in text
        if law.fails:
            assert "The smallest counterexample" in text
            assert "seen at" in text
        assert flat(law.statement) in pages["laws.html"].text


def test_the_sheets_lines_stand_beside_their_verdicts(pages):
    text = pages["sheet.html"].text
    for finding in audit_sheet():
        assert flat(finding.line.text) in text
        assert flat(finding.counterexample) in text
    wrong = sum(f.status == "as printed it does not" for f in audit_sheet())
    assert f"as printed it does not {wrong}" in text  # and each once in the table
    assert text.count("as printed it does not") == 1 + wrong


def test_no_link_leads_nowhere_or_out_of_the_book(book, pages):
    for name, page in pages.items():
        for link in page.links:
            if link.startswith(("#", "data:")):
                assert link.startswith("data:") or link[1:] in page.ids or re.fullmatch(r"#[\w-]+", link)
                continue
            assert not re.match(r"[a-z]+:|//", link), f"{name}: {link}"
            target = (book / name).parent / link.partition("#")[0]
            assert target.is_file(), f"{name}: {link}"


def test_every_page_can_be_reached_and_has_a_title_of_its_own(book, pages):
    assert {file for file, _ in PAGES} <= set(pages)
    titles = [re.search(r"<title>(.*?)</title>", (book / name).read_text(encoding="utf-8"))[1] for name in pages]
    assert len(set(titles)) == len(titles)
    linked = {link.rpartition("/")[2] for page in pages.values() for link in page.links}
    assert {name.rpartition("/")[2] for name in pages} <= linked


def test_it_is_small_and_asks_nobody(book):
    files = [file for file in book.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 2e6
    for file in files:
        text = file.read_text(encoding="utf-8")
        found = re.findall(r"""(?:(?:src|href)=|url\(|@import |fetch\()["']?(?:[a-z]+:)?//""", text)
        assert not found, file


def test_ids_are_there_once(pages):
    for name, page in pages.items():
        assert len(set(page.ids)) == len(page.ids), name


def test_verdicts_that_are_given_are_shown_and_not_decided_again(tmp_path, monkeypatch):
    file = tmp_path / "verdicts.json"
    assert main(["prove", "--tier", "symbolic", "--json", str(file)]) == 0
    content = json.loads(file.read_text(encoding="utf-8"))
    spoilt = content["laws"][3]["tiers"][0]
    spoilt.update(verdict="refuted", counterexample="x of (3,): entry <2> & more")
    file.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr("proofs.parallel.decide", lambda *_: pytest.fail("decided again"))
    assert main(["report", "-o", str(tmp_path / "book"), "--verdicts", str(file)]) == 0
    text = Page(tmp_path / "book" / "laws" / f"{content['laws'][3]['name']}.html").text
    assert "Refuted by symbolic x of (3,): entry <2> & more" in text
    assert "symbolic ✗ refuted" in text
    assert re.search(r"Decided before \d{4}-\d\d-\d\d \d\d:\d\d UTC, from verdicts\.json\.", text)
    assert f"laws proved {len(LAWS) - 1} of {len(LAWS)}" in Page(tmp_path / "book" / "index.html").text


def wrong(x, w):
    return 2 * x[:, :, 1:-1, 1:-1] * w.sum()


def test_certificates_and_trainings_that_are_given_are_shown(tmp_path, book):
    from numeric import Geometry

    report = certify(wrong, operations=["conv2d"], geometries=[Geometry((4, 4), (3, 3))], keep_calls=True)
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(report.record()), encoding="utf-8")
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    summary = {
        "test_accuracy": 0.98765,
        "seconds_train": 2.5,
        "seconds_total": 9.75,
        "seed": 7,
        "epoch": 1,
        "parameters": 1234,
        "recipe": {"name": "fast", "precision": "bfloat16"},
        "device": "a device",
        "certified": None,
        "confusion": [[100 * (r == c) + 3 * (r + 1 == c) for c in range(10)] for r in range(10)],
    }
    (run / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    output = str(tmp_path / "book")
    given = ["--verdicts", str(verdicts(tmp_path)), "--certificate", str(file), "--training", str(tmp_path / "runs")]
    assert main(["report", "-o", output, *given]) == 0
    text = Page(tmp_path / "book" / "certificates.html").text
    assert report.counts["refuted"] > 0
    assert f"refuted {report.counts['refuted']}" in text
    for diagnosed in report.diagnoses:
        assert flat(diagnosed.text) in text
    text = Page(tmp_path / "book" / "training.html").text
    assert "fast, bfloat16 7 98.77 % 1 1,234 2.5 s 9.8 s a device not certified" in text
    assert "There are no runs in this book." in Page(book / "training.html").text


def verdicts(folder):
    """Verdicts of all laws, without deciding them."""
    file = folder / "verdicts.json"
    laws = [{"name": name, "tiers": []} for name in LAWS]
    file.write_text(json.dumps({"laws": laws}), encoding="utf-8")
    return file


def test_a_newer_book_takes_the_place_of_an_older_one_and_nothing_else(tmp_path):
    folder = tmp_path / "book"
    publish.write(folder, {"a.html": "old", "laws/b.html": "old"})
    publish.write(publish.writable(folder), {"a.html": "new"})
    assert sorted(file.name for file in folder.iterdir()) == [publish.MARKER, "a.html"]
    assert (folder / "a.html").read_text() == "new"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_book_that_cannot_be_finished_leaves_the_older_one(tmp_path):
    folder = tmp_path / "book"
    publish.write(folder, {"a.html": "old"})
    with pytest.raises(OSError, match="File name too long"):
        publish.write(folder, {"a.html": "new", "b" * 300: "new"})
    assert (folder / "a.html").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("fault", [OSError("no"), KeyboardInterrupt()], ids=repr)
def test_a_book_that_cannot_take_its_place_leaves_the_older_one_there(fault, tmp_path, monkeypatch):
    folder = tmp_path / "book"
    publish.write(folder, {"a.html": "old"})
    rename = Path.rename

    def failing(self, target):
        if self.name == "new":
            raise fault
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(type(fault)):
        publish.write(folder, {"a.html": "new"})
    assert (folder / "a.html").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["report", *map(str, arguments)])
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_place_that_is_no_place_for_a_book_is_told_before_any_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "_pages", lambda *_: pytest.fail("worked"))
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_text("")
    other.mkdir()
    (other / "thesis.tex").write_text("")
    assert f"{file} is not a folder" in refused(capsys, "-o", file)
    assert f"{other} holds something else than a book: give a new or an empty folder" in refused(capsys, "-o", other)
    assert f"there is no folder {tmp_path / 'no'}" in refused(capsys, "-o", tmp_path / "no" / "book")
    assert "cannot write beside /proc/book" in refused(capsys, "-o", "/proc/book")


@pytest.mark.parametrize(
    ("option", "content", "told"),
    [
        ("--verdicts", "{", "cannot read {file}: "),
        ("--verdicts", "{}", "{file} holds no verdicts of 'prove --json': KeyError: 'laws'"),
        ("--verdicts", '{"laws": []}', "{file} is not of these laws: it lacks "),
        ("--certificate", "{}", "{file} is no convproof conformance record"),
        ("--training", None, "{file} holds no run: there is no summary.json"),
    ],
)
def test_what_cannot_be_read_is_told_before_any_work(option, content, told, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "_pages", lambda *_: pytest.fail("worked"))
    file = tmp_path / "given"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert told.format(file=file) in refused(capsys, "-o", tmp_path / "book", option, file)
    assert not (tmp_path / "book").exists()


def test_a_summary_of_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "summary.json").write_text("[]", encoding="utf-8")
    told = refused(capsys, "-o", tmp_path / "book", "--training", tmp_path)
    assert "summary.json is no summary of training/train.py: it lacks test_accuracy" in told


def test_a_law_that_there_is_not_in_given_verdicts_is_told(tmp_path, capsys):
    file = verdicts(tmp_path)
    content = json.loads(file.read_text(encoding="utf-8"))
    content["laws"].append({"name": "a-new-one", "tiers": []})
    file.write_text(json.dumps(content), encoding="utf-8")
    assert "there is no law a-new-one" in refused(capsys, "-o", tmp_path / "book", "--verdicts", file)


def test_without_its_packages_the_way_to_install_them_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "proofs.book.site", raising=False)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert "pip install 'convproof[book]'" in refused(capsys, "-o", tmp_path / "book")


def test_a_statement_is_text_and_no_markup(tmp_path):
    from proofs.book.site import Content, pages

    name, law = next((name, law) for name, law in LAWS.items() if law.derivation is None)
    laws = {name: replace(law, statement="<b>bold</b> & <script>")}
    shown = pages(Content(laws, {name: ()}, [], [], [], "today", "just now"))[f"laws/{name}.html"]
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;" in shown
    assert "<b>bold" not in shown


def test_a_book_of_the_same_content_is_the_same():
    from proofs.book.site import Content, pages

    laws = dict(list(LAWS.items())[:3])
    content = Content(laws, dict.fromkeys(laws, ()), list(audit_sheet())[:5], [], [], "today", "just now")
    assert pages(content) == pages(content)


def test_only_the_tiers_that_are_asked_for_decide(tmp_path, monkeypatch):
    tiers = set()

    def keep(_, decide, *rest):
        tiers.update(item.tier for evidence in decide().values() for item in evidence)
        return {"index.html": ""}

    monkeypatch.setattr(command, "_pages", keep)
    assert main(["report", "-o", str(tmp_path / "book"), "--tier", "arithmetic"]) == 0
    assert tiers == {"arithmetic"}


def test_options_of_deciding_are_refused_where_nothing_is_to_be_decided(tmp_path, capsys):
    given = ["-o", tmp_path / "book", "--verdicts", "v.json"]
    told = "the laws are decided in v.json: leave out --tier and --grid"
    assert told in refused(capsys, *given, "--tier", "coq")
    assert told in refused(capsys, *given, "--grid", "full")
    assert "--jobs and --journal are for --grid full" in refused(capsys, *given[:2], "--jobs", "2")
