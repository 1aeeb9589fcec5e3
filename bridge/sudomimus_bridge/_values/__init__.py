"""Plain values that every layer may use: secrets, errors, events, claims, tokens, time. Imports nothing of ours."""
