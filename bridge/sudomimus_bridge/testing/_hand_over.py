"""The program that `BROWSER` names in a test. It passes its page to the test's scripted browser.

    _hand_over.py PORT TOKEN URL

It exits with 1 if the scripted browser opens no pages. It uses only the standard library.
"""

from __future__ import annotations

import socket
import sys


def main(port: str, token: str, url: str) -> int:
    """Pass on one page and return the exit status."""
    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as connection:
        with connection.makefile("rw", encoding="utf-8") as lines:
            lines.write(f"{token} {url}\n")
            lines.flush()
            return 0 if lines.readline() == "opened\n" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
