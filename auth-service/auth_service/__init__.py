"""Auth: who you are."""
