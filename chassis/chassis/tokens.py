"""How many tokens a text is, without any model's vocabulary."""

BYTES_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """About one token for four UTF-8 bytes: near the truth for English, on the safe side of it for most scripts."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
