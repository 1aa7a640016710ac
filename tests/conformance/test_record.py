"""Records: the same questions get the same answers, others none; one bit changed is refuted; nothing in one is run."""

import json
import zlib
from base64 import b64decode, b64encode

import numpy as np
import pytest

import proofs
from numeric import Geometry
from proofs.conformance import certificate, pieces
from proofs.conformance.adapters import load
from proofs.conformance.certificate import read, replay
from proofs.conformance.outcome import Outcome
from proofs.conformance.record import Failed, Packed, Recorder, RecordError, Replayed
from proofs.conformance.target import Unsupported
from proofs.report import json as report_json

LAYER = Geometry((4, 3), (2, 3), stride=(2, 1), padding=((0, 1), 1), in_channels=2, out_channels=3)
HEAD = {"name": "a", "dtype": "float32", "functions": ["conv"], "about": {"device": "cpu"}}


class Moody:
    """A target that answers in every way that there is."""

    name, dtype, functions = "moody", "float32", ("conv",)

    def about(self):
        """Say little."""
        return {"device": "cpu"}

    def supports(self, _, geometry):
        """Take planes at most."""
        return "too many axes" if geometry.ndim > 2 else ""

    def variant(self, name):
        """Have one."""
        return Moody() if name == "upside down" else None

    def run(self, _, __, x, ___):
        """Turn x round and change it, or raise."""
        if x.sum() < 0:
            raise Unsupported("negative")
        if x.sum() > 100:
            raise ZeroDivisionError("too much")
        x += 1
        return x[..., ::-1]


def _ask(target):
    """Ask everything; return the answers in a form that can be compared."""
    x, w = np.arange(6, dtype="float32").reshape(1, 2, 3), np.ones((1, 2, 1), "float32")
    said = [target.supports("conv", LAYER), target.supports("conv", Geometry((2, 3, 4), 1))]
    said.append(target.variant("sideways"))
    said.append(target.run("conv", LAYER, x, w).tolist())
    said.append(x.tolist())
    variant = target.variant("upside down")
    said.append(variant.run("conv", LAYER, x[:, :1], w).tolist())
    for factor in (-5, 100):
        try:
            target.run("conv", LAYER, factor * x, w)
        except Exception as error:  # noqa: BLE001 - compared
            said.append((type(error).__name__, str(error)))
    return said


def test_a_replayed_target_answers_as_the_recorded_one_did_changed_arguments_included():
    calls = []
    expected = _ask(Recorder(Moody(), calls))
    assert expected[0] == ""
    assert expected[-2:] == [("Unsupported", "negative"), ("ZeroDivisionError", "too much")]
    assert _ask(Replayed(HEAD, iter(calls))) == expected == _ask(Recorder(Moody()))


def test_it_refuses_another_question():
    calls = []
    x, w = np.ones((1, 2, 3), "float32"), np.ones((1, 2, 1), "float32")
    Recorder(Moody(), calls).run("conv", LAYER, x.copy(), w)
    for asked in (
        lambda target: target.run("conv", LAYER, 2 * x, w),
        lambda target: target.run("conv", Geometry((4,), (1,)), x, w),
        lambda target: target.run("conv", LAYER, x.astype("float64"), w),
        lambda target: target.supports("conv", LAYER),
        lambda target: target.variant("upside down"),
    ):
        with pytest.raises(RecordError, match=r"the record answers run conv, on Geometry.*; it is asked "):
            asked(Replayed(HEAD, iter(calls)))
    with pytest.raises(RecordError, match="the record answers nothing more; it is asked supports conv"):
        Replayed(HEAD, iter(())).supports("conv", LAYER)


def test_exceptions_of_a_replayed_target_are_told_from_ours():
    calls = []
    x, w = np.full((1, 2, 3), 99, "float32"), np.ones((1, 2, 1), "float32")
    recorder = Recorder(Moody(), calls)
    with pytest.raises(ZeroDivisionError) as error:
        recorder.run("conv", LAYER, x, w)
    assert recorder.failures == [error.value]
    with pytest.raises(Failed, match="too much"):
        Replayed(HEAD, iter(calls)).run("conv", LAYER, x, w)


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "int64", "bool"])
def test_arrays_come_back_as_they_were(dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)[:, ::-1]
    again = Packed.of(array).array()
    assert again.dtype == array.dtype.newbyteorder("<")
    np.testing.assert_array_equal(again, array)
    special = Packed.of(np.array([[np.nan, -0.0, np.inf]])).array()
    assert special.tobytes() == np.array([[np.nan, -0.0, np.inf]]).tobytes()


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (Packed("<f4", (2,), zlib.compress(b"1234")), "cannot be read"),
        (Packed("<f4", (1,), zlib.compress(b"12345678")), "cannot be read"),
        (Packed("<f4", (1,), b"1234"), "cannot be read"),
        (Packed("|O", (1,), zlib.compress(b"12345678")), "is none that a record holds"),
        (Packed("<f4", (2**40,), zlib.compress(b"1234")), "is none that a record holds"),
        (Packed("<f4", (-1,), zlib.compress(b"1234")), "is none that a record holds"),
        (Packed("nonsense", (1,), zlib.compress(b"1234")), "cannot be read"),
    ],
)
def test_arrays_that_are_none_are_refused(packed, message):
    with pytest.raises(RecordError, match=message):
        packed.array()


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A record of some functions of `numeric` on two layers."""
    found = proofs.certify(
        "numeric", operations=["conv2d"], geometries=[LAYER, Geometry((3, 4), (2, 2))], keep_calls=True
    )
    assert found.exit_status() == 0
    file = tmp_path_factory.mktemp("record") / "record.json"
    report_json.write(file, found.record(), None)
    return file, found


def _changed(file, tmp_path, change):
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(content), encoding="utf-8")
    return changed


def test_judged_again_it_is_what_it_was(record):
    file, found = record
    again = replay(file)
    assert again.counts == found.counts
    assert [(f.tier, f.outcome, f.detail) for f in again.findings] == [
        (f.tier, f.outcome, f.detail) for f in found.findings
    ]
    assert again.target == found.target
    assert again.exit_status(strict=True) == 0


def test_replaying_asks_no_target(record, monkeypatch):
    monkeypatch.setattr("proofs.conformance.adapters.load", None)
    monkeypatch.setattr("numeric.conv", None)
    assert replay(record[0]).exit_status() == 0


def _flip(content, which):
    """Flip the lowest bit of the first entry of an array that is not zero."""
    entry = content["arrays"][which]
    data = bytearray(zlib.decompress(b64decode(entry["data"])))
    size = np.dtype(entry["dtype"]).itemsize
    places = [i for i in range(0, len(data), size) if any(data[i : i + size])]
    if places:
        data[places[0]] ^= 1
        entry["data"] = b64encode(zlib.compress(bytes(data))).decode()


def test_one_bit_changed_is_refuted(record, tmp_path):
    """In any output of the tiers that compare bit for bit."""
    file, _ = record
    content = json.loads(file.read_text(encoding="utf-8"))
    exact = [
        (number, call["gave"])
        for number, piece in enumerate(content["pieces"])
        if piece["tiers"] != ["premises"]
        for call in piece["calls"][1 : 1 + sum(f["calls"] for f in piece["findings"] if f["tier"] != "bound")]
        if "gave" in call
    ]
    assert len(exact) > 20
    for number, which in exact[:: len(exact) // 12]:

        def change(content, which=which, number=number):
            _flip(content, which)
            content["pieces"] = [content["pieces"][number]]

        again = replay(_changed(file, tmp_path, change))
        assert again.exit_status() == 1, (number, which)
        assert again.counts[Outcome.REFUTED] == 1


def test_a_verdict_that_is_not_borne_is_refuted(record, tmp_path):
    def lie(content):
        content["pieces"] = content["pieces"][:1]
        content["pieces"][0]["findings"][0]["outcome"] = "refuted"

    again = replay(_changed(record[0], tmp_path, lie))
    assert again.findings[-1].detail == "the record says refuted, judged again it is certified"
    assert again.exit_status() == 1


def test_calls_left_out_or_over_are_refuted(record, tmp_path):
    def fewer(content):
        content["pieces"] = content["pieces"][:1]
        content["pieces"][0]["calls"].pop()

    def more(content):
        content["pieces"] = content["pieces"][:1]
        content["pieces"][0]["calls"] *= 2

    assert "nothing more" in replay(_changed(record[0], tmp_path, fewer)).findings[-1].detail
    again = replay(_changed(record[0], tmp_path, more))
    assert "the record holds calls that are not asked for: supports conv" in again.findings[-1].detail


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(format="1"), "is no convproof conformance record, version 1"),
        (lambda content: content.pop("arrays"), "is damaged: KeyError: 'arrays'"),
        (lambda content: content["layers"].__setitem__(0, 3), "is damaged: GridError: a layer is an object"),
        (lambda content: content["arrays"][0].update(data="?"), "is damaged: "),
        (lambda content: content["pieces"][0].update(layer=99), "is damaged: IndexError"),
        (lambda content: content["pieces"][0].update(function="faith"), "is damaged: .* no function 'faith'"),
    ],
)
def test_a_file_that_is_no_record_is_a_clear_error(change, message, record, tmp_path):
    with pytest.raises(RecordError, match=message):
        replay(_changed(record[0], tmp_path, change))


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"format": 3}', "[" * 100_000])
def test_other_files_are_no_records(content, tmp_path):
    file = tmp_path / "file.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(RecordError, match=r"cannot read|is no convproof conformance record"):
        read(file)


def test_what_is_recorded(record):
    file, found = record
    content = json.loads(file.read_text(encoding="utf-8"))
    assert set(content) == {
        *("format", "note", "target", "judge", "grid", "seconds", "counts"),
        *("pieces", "diagnoses", "notes", "layers", "arrays"),
    }
    assert "not a proof against a forger" in content["note"]
    assert content["target"]["name"] == "numeric"
    assert content["target"]["about"] == dict(load("numeric", op="conv2d").about())
    assert set(content["judge"]) == {"convproof", "numpy", "python"}
    assert len({json.dumps(array) for array in content["arrays"]}) == len(content["arrays"])
    premises = [piece for piece in content["pieces"] if piece["tiers"] == ["premises"]]
    assert len(premises) == sum(piece.tiers == ("premises",) for piece, _ in found.pieces) > 0


def test_a_target_that_breaks_is_refuted_and_its_record_too(tmp_path):
    class Broken(Moody):
        def run(self, *_):
            raise ZeroDivisionError("too much")

    found = proofs.certify(Broken(), geometries=[LAYER], tiers=["structure"], keep_calls=True, diagnose=False)
    assert found.exit_status() == 1
    assert found.findings[0].detail == "it raised ZeroDivisionError: too much"
    file = tmp_path / "record.json"
    report_json.write(file, found.record())
    assert replay(file).findings[0].detail == found.findings[0].detail


def test_every_tier_is_judged_again(record):
    """Nothing that runs is left out of a record."""
    tiers = {finding.tier for finding in certificate.read(record[0]).findings}
    assert tiers == set(pieces.TIERS)
