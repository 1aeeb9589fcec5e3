"""What goes over the wire: the three dialects, each call with its request and its answers, and their description."""
