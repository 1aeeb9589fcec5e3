"""Signs the players of a Steam game in to Sudomimus."""

from ._version import __version__

__all__ = ["__version__"]
