"""The door for Python programs: `Bridge` and `Session`. Both run their flows with a `Runner`."""
