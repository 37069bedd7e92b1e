"""The gateway's tests: the real nginx on the real files, in front of small recording servers."""
