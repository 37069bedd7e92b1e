"""All SQL of chat, one table a file."""
