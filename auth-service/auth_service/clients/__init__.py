"""Whom auth calls, one file each."""
