"""Python runs this first in each program that a test starts.

httpx imports click, rich and Pygments, and httpcore imports trio, if these are installed. The project's tools bring them, a game
does not, and they take half of the time in which such a program starts. trio stays if the program's command line names it.
"""

import sys

sys.modules["httpx._main"] = None  # type: ignore[assignment]  # Python's own mark for a module that may not be imported
if not any("trio" in word for word in sys.orig_argv):
    sys.modules["trio"] = None  # type: ignore[assignment]
