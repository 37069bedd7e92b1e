"""Documents become text, images are drawn anew, each in a fresh, confined process; see `confinement.py`."""
