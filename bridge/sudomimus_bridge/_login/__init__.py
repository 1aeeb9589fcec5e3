"""The flows: signing in by each method, errands, renewals. Every door ends in `sign_in`, `share`, `refresh` or `logout`."""
