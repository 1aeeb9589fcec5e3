"""The door for Python programs: `Bridge` and `Session`, which run their flows through a `Runner`."""
