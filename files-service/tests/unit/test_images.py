"""What becomes of images: the first frame, upright, within bounds, and nothing of the file but what can be seen."""

import base64
import io
import zlib

import pytest
from PIL import Image, UnidentifiedImageError

from files_service.extraction import images
from files_service.extraction.extract import Extract, Job, Picture, Unreadable

from ..pictures import (
    ANIMATION,
    BLUE,
    CANARY,
    GREEN,
    MADE,
    NEAR,
    PALETTE,
    PHOTO,
    QUARTERS,
    RED,
    SCREENSHOT,
    TRANSPARENT,
    WHITE,
    YELLOW,
    chunk,
    noise,
    photo_with_a_second_one,
    png,
    quarters,
    turned,
)

JOB = Job("image", text_bytes=0, memory_bytes=0, cpu_seconds=0, wall_seconds=0, image_side=2048, image_bytes=5_000_000)


def drawn(document: bytes, job: Job = JOB) -> tuple[Picture, bytes]:
    """The picture and its bytes."""
    extract = Extract(room=0)
    images.read(io.BytesIO(document), job, extract)
    assert extract.picture is not None
    return extract.picture, base64.b64decode(extract.picture.data)


@pytest.mark.parametrize(
    ("orientation", "seen"),
    [  # as ImageMagick's -auto-orient sets them
        (1, (RED, GREEN, BLUE, YELLOW)),
        (2, (GREEN, RED, YELLOW, BLUE)),
        (3, (YELLOW, BLUE, GREEN, RED)),
        (4, (BLUE, YELLOW, RED, GREEN)),
        (5, (RED, BLUE, GREEN, YELLOW)),
        (6, (BLUE, RED, YELLOW, GREEN)),
        (7, (YELLOW, GREEN, BLUE, RED)),
        (8, (GREEN, YELLOW, RED, BLUE)),
        (9, (RED, GREEN, BLUE, YELLOW)),
    ],
)
def test_a_photograph_is_set_upright(orientation: int, seen: tuple[tuple[int, ...], ...]) -> None:
    picture, data = drawn(turned(orientation))

    assert quarters(data) == seen
    assert (picture.width, picture.height) == ((32, 48) if 5 <= orientation <= 8 else (48, 32))


@pytest.mark.parametrize("skipped", [0, 4])
@pytest.mark.parametrize("document", [PHOTO, TRANSPARENT], ids=["jpeg", "webp"])
def test_damaged_exif_does_not_take_the_image_away(document: bytes, skipped: int) -> None:
    at = document.index(b"MM\0*") + skipped
    damaged = document[:at] + b"\xff" * 40 + document[at + 40 :]

    picture, data = drawn(damaged)

    assert set(quarters(data)) >= {GREEN, BLUE, YELLOW}
    assert (picture.width, picture.height) == (48, 32)


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        (PHOTO, QUARTERS),
        (photo_with_a_second_one(), QUARTERS),
        ((MADE / "cmyk_by_imagemagick.jpg").read_bytes(), QUARTERS),
        (PALETTE, QUARTERS[::-1]),  # its EXIF turns it upside down
        ((MADE / "lossy_by_cwebp.webp").read_bytes(), QUARTERS),
        ((MADE / "lossless_by_cwebp.webp").read_bytes(), QUARTERS),
        (ANIMATION, QUARTERS),
    ],
    ids=["jpeg", "mpo", "cmyk", "palette", "lossy webp", "webp", "animation"],
)
def test_an_image_of_any_kind_shows_what_it_showed(document: bytes, seen: tuple[tuple[int, ...], ...]) -> None:
    _, data = drawn(document)

    assert quarters(data) == seen


@pytest.mark.parametrize("name", ["hole_by_imagemagick.png", "hole_by_gifsicle.gif", "hole_by_cwebp.webp"])
def test_what_is_transparent_is_white_and_what_lies_hidden_under_it_does_not_go_on(name: str) -> None:
    _, data = drawn((MADE / name).read_bytes())

    assert set(quarters(data)) == {WHITE, GREEN, BLUE, YELLOW}


def test_sixteen_bits_of_grey_become_eight() -> None:
    picture, data = drawn((MADE / "grey16_by_imagemagick.png").read_bytes())

    dark, _, light, _ = (colour[0] for colour in quarters(data))
    assert abs(dark - 66) < NEAR
    assert abs(light - 198) < NEAR
    assert picture.width == 48


@pytest.mark.parametrize(
    "document",
    [
        PHOTO,
        PALETTE,
        ANIMATION,
        TRANSPARENT,
        png(8, 8, extra=chunk(b"tEXt", b"Comment\0" + CANARY) + chunk(b"abCD", CANARY)),
        png(8, 8, bits=8, colour_type=3, extra=chunk(b"PLTE", bytes(3) + CANARY)),  # two colours that nothing uses
        png(8, 8, extra=chunk(b"pHYs", bytes(9)) + chunk(b"iCCP", CANARY + b"\0\0" + zlib.compress(b"a profile"))),
        png(8, 8) + CANARY,
    ],
    ids=["jpeg", "png", "gif", "webp", "chunks", "palette", "profile", "behind the end"],
)
def test_nothing_goes_on_that_cannot_be_seen(document: bytes) -> None:
    assert CANARY in document

    _, data = drawn(document)

    assert CANARY not in data
    assert Image.open(io.BytesIO(data)).info == {}


@pytest.mark.parametrize(
    ("width", "height", "seen"), [(5000, 1000, (2048, 410)), (1, 5000, (1, 2048)), (2048, 2048, (2048, 2048))]
)
def test_the_longer_side_is_bounded(width: int, height: int, seen: tuple[int, int]) -> None:
    picture, _ = drawn(png(width, height, bits=1, colour_type=0))

    assert (picture.width, picture.height) == seen


def test_a_drawing_stays_sharp_as_png_and_a_photograph_is_packed_as_jpeg() -> None:
    drawing, _ = drawn(SCREENSHOT)
    photograph, _ = drawn(noise(100))

    assert (drawing.media_type, photograph.media_type) == ("image/png", "image/jpeg")


def test_an_image_of_too_many_bytes_is_scaled_until_it_fits() -> None:
    job = Job(**{**JOB.__dict__, "image_bytes": 20_000})

    picture, data = drawn(noise(300), job)

    assert 5_000 < len(data) <= 20_000
    assert 100 < picture.width == picture.height < 300


def test_a_drawing_that_carries_its_source_is_taken() -> None:
    source = chunk(b"iTXt", b"Source\0\1\0\0\0" + zlib.compress(bytes(3_000_000)))

    picture, _ = drawn(png(8, 8, extra=source))

    assert picture.width == 8


def test_no_other_format_is_opened_even_if_it_got_this_far() -> None:
    bitmap = io.BytesIO()
    Image.new("RGB", (8, 8)).save(bitmap, "BMP")

    with pytest.raises(UnidentifiedImageError):
        drawn(bitmap.getvalue())


def test_one_pixel_more_than_25_million_is_too_many() -> None:
    drawn(png(5000, 5000, bits=1, colour_type=0))

    with pytest.raises(Unreadable) as refused:
        drawn(png(25_000_001, 1, bits=1, colour_type=0))

    assert refused.value.failure == "image_too_large"
