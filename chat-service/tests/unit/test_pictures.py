"""Pictures in `data:` URLs."""

import base64

import pytest

from chat_service.pictures import is_picture

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 30).decode()
WEBP = base64.b64encode(b"RIFF\0\0\0\0WEBP" + b"\0" * 30).decode()
WAVE = base64.b64encode(b"RIFF\0\0\0\0WAVE" + b"\0" * 30).decode()
SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>......").decode()


@pytest.mark.parametrize("url", [f"data:image/png;base64,{PNG}", f"data:image/webp;base64,{WEBP}"])
def test_a_picture_of_the_kind_it_says_is_taken(url: str) -> None:
    assert is_picture(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.com/cat.png",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        f"data:image/jpeg;base64,{PNG}",
        f"data:image/webp;base64,{WAVE}",
        f"data:image/svg+xml;base64,{SVG}",
        f"data:image/png;base64,{SVG}",
        f"data:image/png,{PNG}",
        f"data:text/html;base64,{PNG}",
        f"data:image/png;base64,{PNG[:-1]}",
        f"data:image/png;base64,{PNG}\nhttp://elsewhere",
        "data:image/png;base64,",
    ],
)
def test_anything_else_is_not(url: str) -> None:
    assert not is_picture(url)
