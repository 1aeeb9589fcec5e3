"""The door for launchers: JSON-RPC 2.0 on the standard pipes, one message per line. Start reading at `server`."""
