"""Text out of documents. The readers run in fresh, confined processes; the service imports only `confinement.py`."""
