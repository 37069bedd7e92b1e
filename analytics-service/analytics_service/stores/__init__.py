"""All SQL of analytics, one table a file."""
