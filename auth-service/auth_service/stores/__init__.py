"""All SQL of auth, one table a file."""
