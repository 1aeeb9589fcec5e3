"""A game with a lighthouse and a boat. It draws 240 frames a second while the player signs in, and greets the player by name.

    python sample_game/pygame                   # the stub of Steam and the local service (extra `emulator`)
    python sample_game/pygame --claim-gate      # the service asks for an email first: a page for the browser
    SUDOMIMUS_APPLICATION=my-game SUDOMIMUS_STEAM_APP_ID=480 python sample_game/pygame     # Steam and Sudomimus

Only the settings choose between them: if SUDOMIMUS_APPLICATION is set, all settings come from the environment.
It needs pygame-ce (`pip install pygame-ce`).
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pygame
from game import SIZE, Game
from pace import Pace

from sudomimus_bridge import Bridge


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="sample_game/pygame", description="A small game that signs its player in.")
    parser.add_argument("--fps", type=int, default=240, help="frames a second (default 240)")
    parser.add_argument("--claim-gate", action="store_true", help="have the local service ask for an email first")
    parser.add_argument(
        "--auto", action="store_true", help="complete the local service's page without a person, then quit"
    )
    parser.add_argument("--stay-signed-in", action="store_true", help="keep the player signed in for the next start")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="save the last frame as a PNG")
    options = parser.parse_args()
    if options.fps < 1:
        parser.error("--fps must be 1 or more")
    return options


def make_bridge(stack: ExitStack, options: argparse.Namespace) -> Bridge:
    """Yield a bridge with the settings of the environment; without any, one on the stub and the local service."""
    if os.environ.get("SUDOMIMUS_APPLICATION"):
        return stack.enter_context(Bridge())
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing._compiled_stub import stubbed_steam
    from sudomimus_bridge.testing._scripted_browser import AutoBrowser

    rules: dict[str, Any] = {"steam_seconds": 0.5}
    if options.claim_gate:
        rules["claims"] = {"email": "REQUIRED", "firstName": "REQUIRED"}
    service = stack.enter_context(Emulator(rules))
    return stack.enter_context(
        Bridge(
            **service.settings,
            **stubbed_steam(),
            browser=AutoBrowser() if options.auto else None,
        )
    )


def show_title(screen: pygame.Surface, bridge: Bridge) -> None:
    """Show the title while the bridge imports what a login needs, so that the login delays no frame."""
    title = pygame.font.Font(None, 96).render("Lamplight", True, (255, 214, 120))
    preparing = bridge.start_prepare()
    while preparing.poll() is None:
        pygame.event.pump()
        screen.fill((10, 14, 34))
        screen.blit(title, title.get_rect(center=screen.get_rect().center))
        pygame.display.flip()
        pygame.time.wait(15)


def main() -> int:
    """Draw frames until the player leaves."""
    options = arguments()
    pygame.display.init()
    pygame.font.init()
    screen = pygame.display.set_mode(SIZE)
    pygame.display.set_caption("Lamplight")
    with ExitStack() as stack:
        bridge = make_bridge(stack, options)
        show_title(screen, bridge)
        game = Game(screen, bridge, stay_signed_in=options.stay_signed_in)
        game.sign_in.start()
        pace = Pace(options.fps)
        over_at: float | None = None
        while game.running:
            for event in pygame.event.get():
                game.handle(event)
            game.frame(pace.last)
            pygame.display.flip()
            pace.wait()
            if options.auto and game.sign_in.over:
                over_at = over_at or game.seconds + 0.5  # show the result for a moment
                game.running = game.seconds < over_at
        if options.picture:
            pygame.image.save(screen, options.picture)
    print(game.summary())
    pygame.quit()
    return 0 if game.sign_in.status == "signed-in" or not options.auto else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # leaving the block above closed the bridge, which cancelled the login
        sys.exit(130)
