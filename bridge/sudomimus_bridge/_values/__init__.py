"""Plain values that every layer may use: secrets, errors, events, claims, tokens, times. They import no other layer."""
