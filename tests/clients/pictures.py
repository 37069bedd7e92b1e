"""A picture as clients send it."""

import base64
from io import BytesIO

from PIL import Image


def png(colour: str, size: tuple[int, int] = (12, 8)) -> str:
    """A data URL; the model stand-in sees format, size and colour."""
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
