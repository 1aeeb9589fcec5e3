"""The command line: reads flags, runs a flow, prints sentences or one JSON object. Start reading at `commands`."""
