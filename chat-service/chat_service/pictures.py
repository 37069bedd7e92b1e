"""Pictures that come as `data:` URLs: of a kind that is taken, and really of that kind."""

import base64
import binascii
import re

MAGIC = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "webp": (b"RIFF",),
    "gif": (b"GIF87a", b"GIF89a"),
}
BEGINNING = 24  # characters of base64 that hold every magic number

_DATA_URL = re.compile(r"data:image/(png|jpeg|webp|gif);base64,([A-Za-z0-9+/]+={0,2})")


def is_picture(url: str) -> bool:
    """Whether a URL holds a picture, as far as its first bytes tell; nothing is decoded, nothing fetched."""
    if not (match := _DATA_URL.fullmatch(url)) or len(match[2]) % 4:
        return False
    try:
        beginning = base64.b64decode(match[2][:BEGINNING], validate=True)
    except binascii.Error:
        return False
    kind = match[1]
    return beginning.startswith(MAGIC[kind]) and (kind != "webp" or beginning[8:12] == b"WEBP")
