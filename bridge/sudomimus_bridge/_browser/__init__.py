"""The player's browser: the gate that every page passes, and the code that opens one."""
