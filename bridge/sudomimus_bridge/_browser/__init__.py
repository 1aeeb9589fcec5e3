"""The player's browser: the gate that every page passes, and how one is opened."""
