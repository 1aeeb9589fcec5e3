"""Python runs this first in each program that a test starts.

httpx imports click, rich and Pygments for a command line of its own if these are installed. The project's tools bring them, a
game does not, and they take a third of the time in which such a program starts.
"""

import sys

sys.modules["httpx._main"] = None  # type: ignore[assignment]  # Python's own mark for a module that may not be imported
