"""A picture becomes what MNIST would have made of it, whatever its size, place, polarity and file format."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL")

from PIL import Image

from training import picture
from training.data import Dataset
from training.errors import DataError
from training.picture import WHITE

BOX, CENTRE = 20, 14
SEEDS = range(30)


def strokes(seed: int) -> np.ndarray:
    """Ink 0 to 255 of some thick random strokes with blurred edges, on plain paper all around."""
    random = np.random.default_rng(seed)
    ink = np.zeros(random.integers(30, 200, 2), np.int32)
    for _ in range(random.integers(1, 5)):
        top, left = (random.integers(1, size - 6) for size in ink.shape)
        height, width = (random.integers(3, size - at) for size, at in zip(ink.shape, (top, left), strict=True))
        ink[top : top + height, left : left + width] = random.integers(1, 256, (height, width))
    ink[0] = ink[-1] = ink[:, 0] = ink[:, -1] = 0
    return ink


def dark(ink: np.ndarray) -> np.ndarray:
    return (255 - ink) * (WHITE // 255)


def box(image: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns that hold ink."""
    spans = (np.flatnonzero(image.any(axis=1 - axis)) for axis in (0, 1))
    rows, columns = (slice(span[0], span[-1] + 1) for span in spans)
    return rows, columns


def size(image: np.ndarray) -> tuple[int, int]:
    rows, columns = box(image)
    return rows.stop - rows.start, columns.stop - columns.start


def centre(image: np.ndarray) -> list[float]:
    """Centre of mass, in pixels."""
    return [
        float((image.sum(axis=1 - axis, dtype=int) * np.arange(28)).sum() / image.sum(dtype=int)) for axis in (0, 1)
    ]


def standard(image: np.ndarray) -> bool:
    """Whether a digit of MNIST is as its makers say, and has ink of full strength: nearly nine in ten."""
    middles = centre(image)
    placed = all(CENTRE - 0.5 <= middle < CENTRE + 0.5 for middle in middles)
    return image.max() == 255 and max(size(image)) == BOX and placed


def test_digits_of_mnist_come_back_bit_for_bit_from_anywhere_in_either_polarity(mnist: Dataset) -> None:
    random = np.random.default_rng(0)
    found = [image for image in mnist.test.images[:1000] if standard(image)]
    assert len(found) > 850
    for image in found:
        top, left = random.integers(1, 30, 2)
        paper = np.zeros((70, 60), np.int32)
        paper[top : top + 28, left : left + 28] = image
        assert np.array_equal(picture.digit(dark(paper)), image)
        assert np.array_equal(picture.digit(paper * (WHITE // 255)), image)


@pytest.mark.parametrize("seed", SEEDS)
def test_polarity_changes_no_bit(seed: int) -> None:
    for grey in (dark(strokes(seed)), rough(seed)):
        assert np.array_equal(picture.digit(grey), picture.digit(WHITE - grey))


def rough(seed: int) -> np.ndarray:
    """Strokes on paper that is not plain, and not white."""
    ink, random = strokes(seed), np.random.default_rng(seed)
    return 60000 - 150 * ink + random.integers(-2000, 2000, ink.shape).astype(np.int32)


@pytest.mark.parametrize("seed", SEEDS)
def test_moving_by_whole_pixels_changes_no_bit(seed: int) -> None:
    ink, random = strokes(seed), np.random.default_rng(seed)
    (before, left), (after, right) = random.integers(0, 40, (2, 2))
    moved = np.pad(ink, ((before, after), (left, right)))
    assert np.array_equal(picture.digit(dark(ink)), picture.digit(dark(moved)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_centre_of_mass_is_within_half_a_pixel_where_the_box_has_room(seed: int) -> None:
    image = picture.digit(dark(strokes(seed)))
    spans = box(image)
    assert any(span.start > 0 and span.stop < 28 for span in spans)
    for middle, span in zip(centre(image), spans, strict=True):
        if span.start > 0 and span.stop < 28:
            assert CENTRE - 0.5 <= middle < CENTRE + 0.5


def test_the_box_stays_inside_the_image() -> None:
    """All weight at one end of a long line: its centre of mass cannot reach the middle."""
    ink = np.zeros((9, 200), np.int32)
    ink[4, 1:199] = 60
    ink[1:8, 1:20] = 255
    image = picture.digit(dark(ink))
    assert box(image)[1] == slice(8, 28)
    assert centre(image)[1] < CENTRE + 0.5


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((20, 20), (20, 20)),
        ((300, 100), (20, 7)),
        ((100, 300), (7, 20)),
        ((5, 4), (20, 16)),
        ((400, 3), (20, 1)),
        ((1, 1), (20, 20)),
        ((1000, 900), (20, 18)),
    ],
)
def test_the_longer_side_is_that_of_the_box_and_the_aspect_ratio_stays(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = picture.digit(dark(np.pad(np.full(shape, 200, np.int32), 3)))
    assert size(image) == expected
    assert set(np.unique(image)) == {0, 255}


def test_scaling_down_averages_rather_than_picks() -> None:
    """A fine chequerboard is grey all over, not black, white or in stripes."""
    rows, columns = np.indices((400, 400))
    image = picture.digit(dark(np.pad(((rows + columns) % 2 * 255).astype(np.int32), 5)))
    rows, columns = box(image)
    assert np.ptp(image[rows, columns][2:-2, 2:-2]) <= 2


def test_faint_marks_on_paper_that_is_not_plain_are_paper() -> None:
    ink, random = np.zeros((90, 80), np.int32), np.random.default_rng(0)
    ink[20:60, 30:50] = 200
    noise = random.integers(0, 40, ink.shape)
    assert size(picture.digit((240 - ink - noise // 2) * (WHITE // 255))) == (20, 10)
    assert size(picture.digit(dark(ink + noise * (ink == 0)))) == (20, 10)


def test_ink_may_be_said_where_the_border_is_not_paper() -> None:
    """A stroke cut off close: most of the border is ink."""
    ink = np.full((60, 20), 255, np.int32)
    ink[:12, :9] = 0
    forced = picture.digit(dark(ink), "dark")
    assert np.array_equal(forced, picture.digit(dark(np.pad(ink, 4))))
    assert np.array_equal(forced, picture.digit(WHITE - dark(ink), "light"))
    assert not np.array_equal(forced, picture.digit(dark(ink)))


@pytest.mark.parametrize(
    "grey",
    [np.full((30, 20), 77), 30000 + np.random.default_rng(0).integers(0, 2000, (30, 30))],
    ids=["plain", "rough"],
)
def test_blank_paper_is_told(grey: np.ndarray) -> None:
    with pytest.raises(DataError, match=r"^expected a digit, found blank paper$"):
        picture.digit(grey.astype(np.int32))


INK = strokes(3).astype(np.uint8)
GREY = Image.fromarray(255 - INK)


def with_alpha(colour: int) -> Image.Image:
    """Ink of a colour on nothing."""
    image = Image.new("RGBA", GREY.size, (colour, colour, colour, 0))
    image.putalpha(Image.fromarray(INK))
    return image


def with_palette() -> Image.Image:
    """Entries in an order of their own."""
    image = Image.fromarray(INK).convert("P")
    image.putpalette([level for entry in range(256) for level in (255 - entry,) * 3])
    return image


FORMS: dict[str, tuple[str, Callable[[], Image.Image]]] = {
    "grey": ("png", lambda: GREY),
    "colours": ("png", lambda: GREY.convert("RGB")),
    "opaque": ("png", lambda: GREY.convert("RGBA")),
    "grey and alpha": ("png", lambda: GREY.convert("LA")),
    "dark ink on nothing": ("png", lambda: with_alpha(0)),
    "light ink on nothing": ("png", lambda: with_alpha(255)),
    "palette": ("png", with_palette),
    "16 bits": ("png", lambda: Image.fromarray((255 - INK).astype(np.uint16) * 257)),
    "cyan, magenta, yellow, key": ("tif", lambda: GREY.convert("CMYK")),
    "floats": ("tif", lambda: Image.fromarray((255 - INK).astype(np.float32) / 255)),
    "bitmap": ("bmp", lambda: GREY),
    "webp": ("webp", lambda: GREY),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_picture(form: str, tmp_path: Path) -> None:
    ending, make = FORMS[form]
    path = tmp_path / f"digit.{ending}"
    make().save(path, lossless=True)
    assert np.array_equal(picture.digit(picture.read(path)), picture.digit(dark(INK.astype(np.int32))))


def test_one_bit_and_the_first_of_several_frames(tmp_path: Path) -> None:
    ink = np.where(INK > 100, 255, 0).astype(np.uint8)
    expected = picture.digit(dark(ink.astype(np.int32)))
    Image.fromarray(255 - ink).convert("1").save(tmp_path / "bits.png")
    Image.fromarray(255 - ink).save(
        tmp_path / "frames.gif", save_all=True, append_images=[Image.new("L", GREY.size, 40)]
    )
    for name in ("bits.png", "frames.gif"):
        assert np.array_equal(picture.digit(picture.read(tmp_path / name)), expected)


# What is done to an upright picture that is to be stored under that orientation.
TURNS = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_it_is_turned_as_its_exif_says(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    TURNS[orientation](GREY).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(picture.read(tmp_path / "turned.png"), dark(INK.astype(np.int32)))


def bad_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files, and what is said of each."""
    yield folder / "absent.png", "No such file or directory"
    yield folder, "Is a directory"
    for name, content in (("empty.png", b""), ("words.png", b"hello"), ("half.png", png(folder)[:300])):
        (folder / name).write_bytes(content)
        yield folder / name, "not one, or damaged"
    Image.fromarray(np.full((5, 5), np.nan, np.float32)).save(folder / "nan.tif")
    yield folder / "nan.tif", "damaged (grey values that are not finite)"


def png(folder: Path) -> bytes:
    GREY.save(folder / "whole.png")
    return (folder / "whole.png").read_bytes()


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    for path, reason in bad_files(tmp_path):
        with pytest.raises(DataError) as caught:
            picture.read(path)
        assert str(caught.value) == f"{path}: expected a picture that can be read: {reason}"


@pytest.mark.parametrize("most", [GREY.width * GREY.height - 1, GREY.width * GREY.height // 3])
def test_pictures_that_are_far_too_large_are_told(most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    GREY.save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
    with pytest.raises(
        DataError, match=rf"large\.png: expected a picture that can be read: more than {most:,} pixels$"
    ):
        picture.read(tmp_path / "large.png")


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "tif", "webp", "bmp"])
def test_damage_is_told_or_harmless(ending: str, tmp_path: Path) -> None:
    """Cut off anywhere, or with a byte changed, a file is read or refused, and raises nothing else."""
    path = tmp_path / f"digit.{ending}"
    GREY.save(path)
    whole, random, refused = path.read_bytes(), np.random.default_rng(0), 0
    for at in random.integers(0, len(whole), 60):
        for content in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            path.write_bytes(content)
            try:
                assert picture.read(path).ndim == 2
            except DataError:
                refused += 1
    assert refused > 0
