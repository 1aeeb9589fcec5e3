"""The command line, a thin door: flags in, sentences and one JSON object out."""
