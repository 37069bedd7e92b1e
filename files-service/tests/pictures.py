"""Images for the tests: made by other software than the library that reads them, or hostile and written by hand."""

import base64
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

from .conftest import FilesService

MADE = Path(__file__).parent / "fixtures" / "images"
PHOTO = (MADE / "photo_by_cjpeg.jpg").read_bytes()
PALETTE = (MADE / "palette_by_imagemagick.png").read_bytes()
ANIMATION = (MADE / "animation_by_imagemagick.gif").read_bytes()
TRANSPARENT = (MADE / "hole_by_cwebp.webp").read_bytes()
SCREENSHOT = (MADE / "screenshot_by_chromium.png").read_bytes()
CANARY = b"canary"

RED, GREEN, BLUE, YELLOW = (224, 0, 0), (0, 160, 0), (0, 0, 224), (224, 224, 0)
WHITE = (255, 255, 255)
QUARTERS = (RED, GREEN, BLUE, YELLOW)
"""What most fixtures show, from left to right and from top to bottom."""
NEAR = 6
"""How far a colour may be off after JPEG."""

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
ORIENTATION = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00"


def quarters(data: bytes) -> tuple[tuple[int, ...], ...]:
    """The colours in the middle of the four quarters, each as the nearest of those that fixtures have."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    across, down = (image.width // 4, image.width * 3 // 4), (image.height // 4, image.height * 3 // 4)
    return tuple(_named(image.getpixel((x, y))) for y in down for x in across)


def _named(colour: Any) -> tuple[int, ...]:
    known = (*QUARTERS, WHITE)
    near = [one for one in known if all(abs(a - b) <= NEAR for a, b in zip(one, colour, strict=True))]
    return near[0] if near else tuple(colour)


def pixels_of(contents: dict[str, Any]) -> bytes:
    """The image that chat gets, of one file of its answer."""
    return base64.b64decode(contents["image"]["data"], validate=True)


def turned(orientation: int) -> bytes:
    """The photograph with another orientation in its EXIF."""
    at = PHOTO.index(ORIENTATION) + len(ORIENTATION)
    return PHOTO[:at] + bytes([orientation]) + PHOTO[at + 1 :]


def png(
    width: int, height: int, *, bits: int = 8, colour_type: int = 2, extra: bytes = b"", rows: int | None = None
) -> bytes:
    """A PNG of zeros; `rows` are how many rows there really are."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    row = bytes(1 + (width * channels * bits + 7) // 8)
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(row) for _ in range(height if rows is None else rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return PNG_MAGIC + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """One part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def noise(side: int) -> bytes:
    """A PNG that nothing packs well."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + os.urandom(3 * side) for _ in range(side)), 1)
    return PNG_MAGIC + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def gif(frames: int = 1, canvas: tuple[int, int] = (10, 10), frame: tuple[int, int] = (1, 1)) -> bytes:
    """Red, with as many frames as wanted, all of one pixel, whatever they say of their size."""
    head = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + b"\xe0\0\0\0\0\xe0"
    control = b"\x21\xf9\x04\0\1\0\0\0"
    picture = b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x44\x01\0"
    return head + (control + picture) * frames + b"\x3b"


def lying_jpeg() -> bytes:
    """A small photograph that claims 65,000 pixels a side."""
    at = PHOTO.index(b"\xff\xc2") + 5
    return PHOTO[:at] + struct.pack(">HH", 65_000, 65_000) + PHOTO[at + 4 :]


def lying_webp() -> bytes:
    """A small image on a canvas that claims 16,384 pixels a side."""
    at = TRANSPARENT.index(b"VP8X") + 12
    return TRANSPARENT[:at] + b"\xff\x3f\0" * 2 + TRANSPARENT[at + 6 :]


def photo_with_a_second_one() -> bytes:
    """MPO, as some phones write it: JPEG with another JPEG behind it."""
    first = Image.open(io.BytesIO(PHOTO))
    buffer = io.BytesIO()
    first.save(buffer, "MPO", save_all=True, append_images=[Image.new("RGB", first.size)], quality=95)
    return buffer.getvalue()


SLOW = png(5000, 5000, colour_type=6)
"""The largest there may be; it takes a second."""


def settled(service: FilesService, content: bytes, name: str = "a.png") -> str:
    """Uploads an image; its id once it is ready."""
    file = service.settled(service.upload(content, name)["id"])
    assert file["state"] == "ready", file
    file_id: str = file["id"]
    return file_id
