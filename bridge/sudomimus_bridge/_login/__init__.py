"""The flows: signing in by each method, errands, renewals. Every door calls `sign_in`, `share`, `refresh` or `logout`."""
