"""The door for Python programs: `Bridge` and `Session`."""
