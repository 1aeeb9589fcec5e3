"""The door for launchers: JSON-RPC 2.0 over the standard pipes, one message a line. `server` puts the parts together."""
