"""The HTTP input and output of the rules."""
