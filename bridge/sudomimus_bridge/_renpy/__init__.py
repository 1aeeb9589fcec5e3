"""Ren'Py: what puts the bridge into a game, and what a game then runs. Ren'Py itself is only imported inside a game."""
