"""The game: it handles keys and draws each frame from the scene and the panels."""

from __future__ import annotations

import pygame
from pace import FrameTimes
from panels import Panels
from scene import Scene
from sign_in import SignIn

from sudomimus_bridge import Bridge

SIZE = (960, 540)


class Game:
    """The scene, the panels and the sign-in."""

    def __init__(self, screen: pygame.Surface, bridge: Bridge, *, stay_signed_in: bool = False) -> None:
        self.running = True
        self.seconds = 0.0
        self.sign_in = SignIn(bridge, stay_signed_in=stay_signed_in)
        self.times = FrameTimes()
        self._screen = screen
        self._scene = Scene(SIZE)
        self._panels = Panels()

    def handle(self, event: pygame.event.Event) -> None:
        """Handle a key, or the closing of the window."""
        if event.type == pygame.QUIT:
            self.running = False
        elif event.type == pygame.KEYDOWN:
            self._press(event.key)

    def frame(self, seconds: float) -> None:
        """Poll the login, move everything and draw one frame."""
        self.seconds += seconds
        self.times.add(seconds, signing_in=self.sign_in.busy)
        self.sign_in.poll()
        self._scene.draw(self._screen, self.seconds, lit=self.sign_in.status == "signed-in")
        self._panels.draw(self._screen, self.sign_in, self.times, self.seconds)

    def summary(self) -> str:
        """Return a line for the terminal: the end of the sign-in, and the slowest frame."""
        who = {"signed-in": f"Signed in{f' as {self.sign_in.name}' if self.sign_in.name else ''}."}
        said = who.get(self.sign_in.status, self.sign_in.error or "Not signed in.")
        return f"{said} Worst frame while signing in: {self.times.worst_signing_in * 1000:.1f} ms."

    def _press(self, key: int) -> None:
        if key == pygame.K_ESCAPE and self.sign_in.busy:
            self.sign_in.cancel()
        elif key == pygame.K_ESCAPE:
            self.running = False
        elif key == pygame.K_RETURN:
            self.sign_in.start()
        elif key == pygame.K_d:
            self.sign_in.done()
        elif key == pygame.K_s:
            self.sign_in.share()
