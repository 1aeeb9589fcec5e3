"""The answer of each call. No HTTP here: a rule raises `Refusal`, and `_api` sends it."""
