"""Deepthinks files: what users gave, and the text that is in it."""
