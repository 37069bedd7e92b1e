"""The routes of files: parse, call, return."""
