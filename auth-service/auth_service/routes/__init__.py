"""Routes of auth: parse, call, return."""
