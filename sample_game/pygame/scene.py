"""The sea at night: a boat sails by, and the lighthouse's lamp burns once the player is signed in."""

from __future__ import annotations

import math
import random

import pygame

_SKY = ((16, 22, 52), (70, 62, 110), (214, 128, 112))
_WAVES = (
    (0.66, (38, 62, 104), 7.0, 0.013, 0.5),
    (0.75, (27, 47, 86), 9.0, 0.010, 0.8),
    (0.86, (17, 32, 64), 11.0, 0.008, 1.1),
)
_STEP = 12
_LAMP = (770, 154)


class Scene:
    """Draws the scene at any second."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._width, self._height = size
        self._sky = self._paint_sky()
        self._beams = [_beam(angle) for angle in range(0, 180, 3)]
        self._glow = _glow(60, (255, 226, 150))

    def draw(self, screen: pygame.Surface, seconds: float, *, lit: bool) -> None:
        """Draw sky, light and sea, and the boat between two waves."""
        screen.blit(self._sky, (0, 0))
        if lit:
            self._draw_light(screen, seconds)
        self._draw_wave(screen, 0, seconds)
        self._draw_lighthouse(screen, lit=lit)
        self._draw_wave(screen, 1, seconds)
        self._draw_boat(screen, seconds)
        self._draw_wave(screen, 2, seconds)

    def _paint_sky(self) -> pygame.Surface:
        sky = pygame.Surface((self._width, self._height))
        horizon = int(self._height * 0.7)
        for y in range(self._height):
            at = min(1.0, y / horizon) * 2
            low, high = (_SKY[0], _SKY[1]) if at < 1 else (_SKY[1], _SKY[2])
            part = at % 1 if at < 2 else 1.0
            colour = tuple(round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
            pygame.draw.line(sky, colour, (0, y), (self._width, y))
        dice = random.Random(7)  # noqa: S311 - stars
        for _ in range(110):
            x, y = dice.randrange(self._width), int(dice.random() ** 1.6 * horizon * 0.8)
            shade = dice.randrange(120, 256)
            sky.fill((shade, shade, min(255, shade + 20)), (x, y, *([1, 1] if dice.random() < 0.8 else [2, 2])))
        moon = pygame.Surface((60, 60), pygame.SRCALPHA)
        pygame.draw.circle(moon, (246, 238, 214), (30, 30), 28)
        pygame.draw.circle(moon, (0, 0, 0, 0), (41, 22), 25)
        sky.blit(moon, (612, 66))
        return sky.convert()

    def _surface_at(self, layer: int, x: float, seconds: float) -> float:
        level, _, height, length, speed = _WAVES[layer]
        swell = math.sin(x * length + seconds * speed) + 0.5 * math.sin(x * length * 2.3 - seconds * speed * 0.7)
        return self._height * level + height * swell

    def _draw_wave(self, screen: pygame.Surface, layer: int, seconds: float) -> None:
        edge = [(x, self._surface_at(layer, x, seconds)) for x in range(0, self._width + _STEP, _STEP)]
        pygame.draw.polygon(screen, _WAVES[layer][1], [(0, self._height), *edge, (self._width, self._height)])
        light = [min(255, part + 34) for part in _WAVES[layer][1]]
        pygame.draw.lines(screen, light, False, edge, 2)

    def _draw_light(self, screen: pygame.Surface, seconds: float) -> None:
        beam = self._beams[int(seconds * 24) % len(self._beams)]
        screen.blit(beam, beam.get_rect(center=_LAMP), special_flags=pygame.BLEND_RGB_ADD)
        screen.blit(self._glow, self._glow.get_rect(center=_LAMP), special_flags=pygame.BLEND_RGB_ADD)

    def _draw_lighthouse(self, screen: pygame.Surface, *, lit: bool) -> None:
        x, top = _LAMP
        foot = int(self._height * 0.78)
        pygame.draw.polygon(
            screen, (24, 26, 44), [(x - 96, foot + 30), (x - 40, foot - 40), (x + 50, foot - 46), (x + 120, foot + 30)]
        )
        for index in range(5):
            y, next_y = (top + 16 + (foot - 56 - top) * part / 5 for part in (index, index + 1))
            wide, next_wide = 15 + index * 2.4, 15 + (index + 1) * 2.4
            shade = (226, 220, 214) if index % 2 == 0 else (178, 58, 62)
            pygame.draw.polygon(
                screen, shade, [(x - wide, y), (x + wide, y), (x + next_wide, next_y), (x - next_wide, next_y)]
            )
        pygame.draw.rect(screen, (40, 40, 60), (x - 20, top + 12, 40, 5))
        pygame.draw.rect(screen, (255, 236, 170) if lit else (58, 62, 84), (x - 10, top - 10, 20, 22))
        pygame.draw.polygon(screen, (178, 58, 62), [(x - 16, top - 10), (x + 16, top - 10), (x, top - 28)])
        pygame.draw.rect(screen, (255, 214, 120) if lit else (60, 50, 60), (x - 5, foot - 78, 10, 14))

    def _draw_boat(self, screen: pygame.Surface, seconds: float) -> None:
        x = (seconds * 46 + 140) % (self._width + 160) - 80
        y = self._surface_at(1, x, seconds) + 4
        slope = self._surface_at(1, x + 18, seconds) - self._surface_at(1, x - 18, seconds)
        turn = math.atan2(slope, 36)
        cosine, sine = math.cos(turn), math.sin(turn)

        def place(*points: tuple[float, float]) -> list[tuple[float, float]]:
            return [(x + px * cosine - py * sine, y + px * sine + py * cosine) for px, py in points]

        pygame.draw.polygon(screen, (92, 56, 48), place((-34, -10), (34, -10), (22, 8), (-24, 8)))
        pygame.draw.polygon(screen, (150, 96, 76), place((-36, -14), (37, -14), (34, -9), (-34, -9)))
        pygame.draw.lines(screen, (60, 44, 44), False, place((0, -12), (0, -74)), 3)
        pygame.draw.polygon(screen, (240, 232, 214), place((3, -72), (3, -20), (32, -24)))
        pygame.draw.polygon(screen, (214, 200, 186), place((-3, -66), (-3, -20), (-24, -22)))


def _beam(angle: int) -> pygame.Surface:
    """Return the beam in one position, in both directions: bright near the lamp, dark at the edge of the picture."""
    beam = pygame.Surface((900, 900))
    centre = 450
    # The beam turns about an upright axis, so it looks longer and shorter from the sea.
    reach = 440 * math.cos(math.radians(angle))
    for step in range(12, 0, -1):
        far, wide, shade = reach * step / 12, 4 + 40 * step / 12, round(70 * (1 - step / 13) ** 1.4)
        colour = (shade, round(shade * 0.9), round(shade * 0.6))
        for side in (1, -1):
            points = [
                (centre, centre - 4),
                (centre, centre + 4),
                (centre + side * far, centre + wide),
                (centre + side * far, centre - wide),
            ]
            pygame.draw.polygon(beam, colour, points)
    cut = beam.get_bounding_rect() if reach else pygame.Rect(0, 0, 1, 1)
    cut.union_ip(pygame.Rect(centre - 1, centre - 1, 2, 2))
    half = max(centre - cut.left, cut.right - centre), max(centre - cut.top, cut.bottom - centre)
    return beam.subsurface((centre - half[0], centre - half[1], 2 * half[0], 2 * half[1])).copy()


def _glow(radius: int, colour: tuple[int, int, int]) -> pygame.Surface:
    glow = pygame.Surface((radius * 2, radius * 2))
    for ring in range(radius, 0, -1):
        part = (1 - ring / radius) ** 2
        pygame.draw.circle(glow, [round(value * part) for value in colour], (radius, radius), ring)
    return glow
