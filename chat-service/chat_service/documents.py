"""What is attached to a question: texts of files as delimited blocks, and images."""

import re
from html import escape

from chassis.tokens import estimate_tokens
from chat_service.clients.files import FileText
from chat_service.context import Context
from chat_service.inputs import parts_of
from chat_service.stores.items import Item

BYTES_PER_TOKEN = 4
# What delimits a part of the context, however a model might read it: in any case, with any spaces.
MARKS = re.compile(r"<(?=\s*/?\s*(?:attached_document|earlier_conversation|remembered)\b)", re.IGNORECASE)


def blocks_of(context: Context, files: list[FileText], room: int, place: int) -> list[str]:
    """The files' texts, each with its share of the room in tokens; noted as parts of the message at `place`."""
    documents = [file for file in files if file.image is None]
    blocks = []
    for position, file in enumerate(documents):
        text, cut = _cut(file.text or "", room // (len(documents) - position))
        tokens = estimate_tokens(text)
        room -= tokens
        reason = "truncated" if cut or file.truncated else None
        context.count("file", "files", [file.id], tokens, where=(place, place), reason=reason)
        if cut:
            context.drop("file", "files", [file.id], estimate_tokens(file.text or "") - tokens, "over_budget")
        blocks.append(_block(file.filename, text, truncated=bool(reason)))
    return blocks


def images_of(items: list[Item], files: list[FileText]) -> list[tuple[str | None, str]]:
    """The images in the messages, in their order: the id of the file it is, and its `data:` URL."""
    uploaded = {file.id: file.image.url for file in files if file.image}
    images = []
    for part in parts_of(items, "input_image"):
        file_id = part.get("file_id")
        if url := part.get("image_url") or uploaded.get(file_id or ""):
            images.append((file_id, url))
    return images


def _cut(text: str, tokens: int) -> tuple[str, bool]:
    """The text within so many tokens, cut between characters."""
    encoded = text.encode()
    if len(encoded) <= tokens * BYTES_PER_TOKEN:
        return text, False
    return encoded[: tokens * BYTES_PER_TOKEN].decode(errors="ignore"), True


def _block(name: str, text: str, *, truncated: bool) -> str:
    """A block that the text in it can neither end nor pass for another part of the context."""
    text = MARKS.sub("&lt;", text)
    note = ' truncated="true"' if truncated else ""
    return f'<attached_document name="{escape(name)}"{note}>\n{text}\n</attached_document>'
