"""The names that `sudomimus_bridge` exports, in two parts: `door` has those that a game uses when it starts."""
