"""The Ren'Py door. `renpy install` writes it into a game, and the game runs it. Only code inside a game imports Ren'Py itself."""
