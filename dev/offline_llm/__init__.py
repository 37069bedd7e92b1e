"""A Together-compatible model server that needs no network and no key, and always gives the same answer."""
