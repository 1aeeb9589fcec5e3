"""The version, and what the first import of the package needs."""

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers know the name; importing `typing` would cost more than the whole package
