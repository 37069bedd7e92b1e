"""Routes of analytics: parse, call, return."""
