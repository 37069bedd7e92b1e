"""Parse, call, return: what the service answers over HTTP."""
