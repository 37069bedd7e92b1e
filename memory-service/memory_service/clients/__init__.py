"""The neighbours: the model that summarises."""
