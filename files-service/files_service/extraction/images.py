"""PNG, JPEG, WebP and GIF, of which nothing goes on but what can be seen: their pixels, drawn anew."""

import base64
import io
import warnings
from typing import BinaryIO

from PIL import Image, PngImagePlugin

from files_service.extraction.extract import Extract, Job, Picture, Unreadable
from files_service.failures import Failure

# By name: as a whole, PIL brings fifty formats and prints on import. BMP and PPM are what Pillow loads in any case; MPO
# is a JPEG that carries a second one, and brings what reads EXIF.
PARSERS = (
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.MpoImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.PpmImagePlugin",
    "PIL.WebPImagePlugin",
)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_PIXELS = 25_000_000
JPEG_QUALITY = 85
WHITE = (255, 255, 255)
SHRINKING = 0.7
"""Of both sides, while the image is too many bytes."""

ORIENTATION = 0x0112
Transpose = Image.Transpose
UPRIGHT: dict[int | None, Transpose] = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def read(document: BinaryIO, job: Job, extract: Extract) -> None:
    """The first frame, upright, within `job.image_side` and `job.image_bytes`."""
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # Pillow refuses what has more than twice as many
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY  # some drawing programs keep their source there
    try:
        source = Image.open(document, formats=FORMATS)
        image = _within(source, job.image_side)
    except Image.DecompressionBombError:
        raise Unreadable(Failure.IMAGE_TOO_LARGE) from None
    turn = _turn(source)
    extract.picture = _picture(image if turn is None else image.transpose(turn), job.image_bytes)


def _within(source: Image.Image, side: int) -> Image.Image:
    image = _in_full_colour(source)
    image.thumbnail((side, side))
    image.load()
    return image.convert("RGB") if image.mode == "CMYK" else image


def _in_full_colour(image: Image.Image) -> Image.Image:
    """In a mode that can be scaled, without a palette, in which anything could hide.

    A JPEG is in one already and not decoded yet: it is scaled while it is.
    """
    if image.mode.startswith("I"):  # 16 bits of grey
        return image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"))
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    """As people see it. Most models' servers drop the alpha channel, and show what lies hidden under it."""
    white = Image.new("RGB", image.size, WHITE)
    white.paste(image, mask=image)
    return white


def _turn(source: Image.Image) -> Transpose | None:
    """What sets it upright, as EXIF tells it; damaged EXIF does not take the image away."""
    try:
        return UPRIGHT.get(source.getexif().get(ORIENTATION))
    except (MemoryError, RecursionError):
        raise
    except Exception:
        return None


def _picture(image: Image.Image, most_bytes: int) -> Picture:
    while True:
        # Drawings and screenshots are smaller as PNG, and not smeared; photographs as JPEG.
        png, jpeg = _saved(image, "PNG"), _saved(image, "JPEG", quality=JPEG_QUALITY)
        data = min(png, jpeg, key=len)
        if len(data) <= most_bytes:
            break
        image.thumbnail((image.width * SHRINKING, image.height * SHRINKING))
    encoded = base64.b64encode(data).decode()
    return Picture("image/png" if data is png else "image/jpeg", image.width, image.height, encoded)


def _saved(image: Image.Image, name: str, **how: int) -> bytes:
    image.info.clear()  # else colour profiles, comments and the like are written again
    buffer = io.BytesIO()
    image.save(buffer, name, **how)
    return buffer.getvalue()
