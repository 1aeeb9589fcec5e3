"""The login itself, between the two sides: what is asked of whom, in which order, and when to stop."""
