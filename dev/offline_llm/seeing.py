"""Looks at images: format, size and dominant colour, which is what can be said without a model."""

import binascii
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from dev.offline_llm.errors import InvalidRequest

_COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 20, 20),
    "orange": (255, 140, 0),
    "yellow": (255, 230, 0),
    "green": (20, 160, 40),
    "cyan": (0, 200, 220),
    "blue": (30, 60, 220),
    "purple": (130, 30, 160),
    "pink": (255, 130, 190),
    "brown": (130, 80, 40),
}


@dataclass(frozen=True)
class Picture:
    """What is seen of an image."""

    format: str
    width: int
    height: int
    colour: str

    def described(self) -> str:
        """One sentence."""
        return f"The image is a {self.format} of {self.width} x {self.height} pixels, mostly {self.colour}."


def look(url: str) -> Picture:
    """The picture in a data: URL."""
    head, _, data = url.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        raise InvalidRequest("Only data: URLs in base64 can be read without a network.", "image_url")
    try:
        with Image.open(BytesIO(b64decode(data, validate=True))) as image:
            return Picture(image.format or "image", image.width, image.height, _dominant(image))
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise InvalidRequest("The image cannot be read.", "image_url") from None


def _dominant(image: Image.Image) -> str:
    """The name nearest to most pixels of a thumbnail."""
    image.draft("RGB", (64, 64))
    small = image.convert("RGB").resize((32, 32), Image.Resampling.NEAREST)
    pixels = small.tobytes()
    seen = Counter(_nearest((pixels[i], pixels[i + 1], pixels[i + 2])) for i in range(0, len(pixels), 3))
    return max(sorted(seen), key=seen.__getitem__)


def _nearest(pixel: tuple[int, int, int]) -> str:
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], pixel, strict=True)))
