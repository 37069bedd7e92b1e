"""All SQL of files, one table a file."""
