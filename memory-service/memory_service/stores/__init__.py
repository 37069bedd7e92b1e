"""All SQL of the service: one file for what belongs together, one class for what it keeps."""
