"""What each call answers. No HTTP here: a rule raises `Refusal`, and `api` sends it."""
