"""The pages that a player sees in the browser."""
