"""HTTP in and out around the rules."""
