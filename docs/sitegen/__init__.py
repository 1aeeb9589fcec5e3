"""What the documentation site builds from the code: tables of settings, rules and messages, and links out of `docs`."""
