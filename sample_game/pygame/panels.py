"""The panels over the scene: greeting, sign-in, the errand's page as a QR code, keys and frame times."""

from __future__ import annotations

import threading

import pygame
from pace import REMEMBERED, FrameTimes
from sign_in import SignIn

INK = (238, 236, 228)
FAINT = (176, 178, 200)
GLASS = (10, 14, 34, 178)
GOLD = (255, 214, 120)
RED = (255, 150, 136)

KEYS = {
    "signed-out": "Enter  sign in      Esc  quit",
    "signing-in": "Esc  play offline",
    "waiting-for-browser": "D  I'm done in the browser      Esc  never mind",
    "signed-in": "S  share more with the game      Enter  sign in again      Esc  quit",
    "postponed": "Enter  try now      Esc  quit",
    "failed": "Enter  try again      Esc  quit",
}
TITLES = {
    "signed-out": "Playing offline",
    "signing-in": "Signing in",
    "waiting-for-browser": "Finish in your browser",
    "postponed": "Playing offline for now",
    "failed": "That did not work",
}


class Panels:
    """Draws the state of a sign-in. Text is rendered only when it changes."""

    def __init__(self) -> None:
        self._fonts = {size: pygame.font.Font(None, size) for size in (20, 26, 44)}
        self._texts: dict[tuple[str, int, tuple[int, int, int]], pygame.Surface] = {}
        self._glasses: dict[tuple[int, int], pygame.Surface] = {}
        self._code: QrCode | None = None

    def draw(self, screen: pygame.Surface, sign_in: SignIn, times: FrameTimes, seconds: float) -> None:
        """Draw all panels."""
        if sign_in.status == "waiting-for-browser" and sign_in.page is not None:
            self._draw_errand(screen, sign_in)
        else:
            self._code = None
            self._draw_status(screen, sign_in, seconds)
        self._draw_times(screen, times)
        keys = self._text(KEYS["signing-in" if sign_in.busy and not sign_in.page else sign_in.status], 20, INK)
        screen.blit(keys, keys.get_rect(midbottom=(screen.get_width() // 2, screen.get_height() - 10)))

    def _draw_status(self, screen: pygame.Surface, sign_in: SignIn, seconds: float) -> None:
        title = TITLES.get(sign_in.status) or (f"Welcome, {sign_in.name}!" if sign_in.name else "Welcome aboard!")
        text = sign_in.saying + "." * (1 + int(seconds * 3) % 3) if sign_in.busy else sign_in.error or ""
        lines = self._lines(text, 400)
        height = 64 + 26 * len(lines)
        self._glass(screen, (28, 24, 440, height))
        screen.blit(self._text(title, 44, GOLD if sign_in.status == "signed-in" else INK), (46, 42))
        for index, line in enumerate(lines):
            screen.blit(self._text(line, 26, RED if sign_in.error else FAINT), (48, 82 + 26 * index))

    def _draw_errand(self, screen: pygame.Surface, sign_in: SignIn) -> None:
        page = sign_in.page or ""
        if self._code is None or self._code.page != page:
            self._code = QrCode(page)
        self._glass(screen, (28, 24, 580, 276))
        screen.blit(self._text(TITLES["waiting-for-browser"], 44, INK), (46, 42))
        code = self._code.picture()
        if code is not None:
            screen.blit(code, code.get_rect(topleft=(48, 88)))
        told = "A page has opened there." if sign_in.page_opened else "Scan this with your phone."
        lines = [told, "Answer what it asks, then come back.", "", f"{sign_in.minutes_left:.0f} minutes left"]
        for index, line in enumerate(lines):
            screen.blit(self._text(line, 26, FAINT), (264, 100 + 28 * index))

    def _draw_times(self, screen: pygame.Surface, times: FrameTimes) -> None:
        left, bottom, scale = 28, screen.get_height() - 44, 4000  # 4 pixels for each millisecond
        self._glass(screen, (left - 8, bottom - 100, REMEMBERED + 16, 108))
        for index, seconds in enumerate(times.latest):
            tall = min(56, max(1, round(seconds * scale)))
            colour = RED if seconds > 0.0084 else GOLD if seconds > 0.006 else (126, 196, 164)
            screen.fill(colour, (left + index, bottom - tall, 1, tall))
        latest = sorted(times.latest)
        usual = latest[len(latest) // 2] * 1000 if latest else 0.0
        worst = (times.worst_signing_in or times.worst) * 1000
        screen.blit(self._text(f"frame {usual:.1f} ms", 20, INK), (left, bottom - 94))
        when = "worst while signing in" if times.worst_signing_in else "worst"
        screen.blit(self._text(f"{when} {worst:.1f} ms", 20, FAINT), (left, bottom - 76))

    def _text(self, text: str, size: int, colour: tuple[int, int, int]) -> pygame.Surface:
        key = (text, size, colour)
        if key not in self._texts:
            if len(self._texts) > 200:
                self._texts.clear()
            self._texts[key] = self._fonts[size].render(text, True, colour)
        return self._texts[key]

    def _lines(self, text: str, width: int) -> list[str]:
        lines: list[str] = []
        for word in text.split():
            if lines and self._fonts[26].size(f"{lines[-1]} {word}")[0] <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    def _glass(self, screen: pygame.Surface, place: tuple[int, int, int, int]) -> None:
        size = place[2:]
        if size not in self._glasses:
            self._glasses[size] = pygame.Surface(size, pygame.SRCALPHA)
            pygame.draw.rect(self._glasses[size], GLASS, (0, 0, *size), border_radius=12)
        screen.blit(self._glasses[size], place[:2])


class QrCode:
    """A page's QR code. Its own thread computes it, because that takes longer than a frame."""

    def __init__(self, page: str) -> None:
        self.page = page
        self._rows: list[bytes] = []
        self._picture: pygame.Surface | None = None
        threading.Thread(target=self._make, name="QR code", daemon=True).start()

    def picture(self) -> pygame.Surface | None:
        """Return the picture, or None until it is ready."""
        if self._picture is None and self._rows:
            side = len(self._rows)
            small = pygame.Surface((side + 4, side + 4))
            small.fill((255, 255, 255))
            for y, row in enumerate(self._rows):
                for x, dark in enumerate(row):
                    if dark:
                        small.set_at((x + 2, y + 2), (16, 20, 44))
            self._picture = pygame.transform.scale_by(small, max(1, 196 // small.get_width()))
        return self._picture

    def _make(self) -> None:
        import segno

        self._rows = [bytes(row) for row in segno.make(self.page, error="l", micro=False).matrix]
