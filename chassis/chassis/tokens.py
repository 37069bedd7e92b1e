"""How many tokens a text is, without any model's vocabulary."""

BYTES_PER_TOKEN = 4
LEFT_OUT = "\n[...]\n"


def estimate_tokens(text: str) -> int:
    """About one token for four UTF-8 bytes: near the truth for English, on the safe side of it for most scripts."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)


def shortened(text: str, tokens: int) -> str:
    """The text within so many tokens: its beginning and its end, and a mark for what is left out between them."""
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) <= tokens * BYTES_PER_TOKEN:
        return text
    room = max(0, tokens * BYTES_PER_TOKEN - len(LEFT_OUT))
    beginning, end = encoded[: room - room // 2], encoded[len(encoded) - room // 2 :]
    return beginning.decode(errors="ignore") + LEFT_OUT + end.decode(errors="ignore")
