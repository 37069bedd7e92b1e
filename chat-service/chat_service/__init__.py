"""What was said: conversations, responses, stateless completions and the ledger of what they cost."""
