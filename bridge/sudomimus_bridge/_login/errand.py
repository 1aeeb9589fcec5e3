"""Errands: pages in the player's own browser, where the player decides what to share.

`Errands` sends the player to the pages without which the service issues no tokens. `share` runs the proactive errand: a
signed-in player may share more.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

import anyio

from .._runs.signals import DoneSignal
from .._service import policy
from .._service.answers import Answer, ErrandStatus
from .._service.operations import Operation
from .._service.policy import MAX_ATTEMPTS, MAX_ERRANDS, seconds_to_wait
from .._values.errors import ErrandNotCompleted, LoginDenied, ServiceUnavailable
from .._values.events import ERRAND_SECONDS, Claims, ErrandHandoff, ErrandResult, OnProgress, Phase
from .._values.player import claim_name, declined_since, required_claims
from .._values.secret import Secret
from .attempts import NOBODY_ANSWERS, Attempts
from .ports import Ports

_log = logging.getLogger("sudomimus_bridge")

DONE_KEEPS = 2
""""I'm done" is ignored if only this many attempts are left, so that impatient clicks cannot use them up."""


class Errands:
    """All errands of one flow. It never opens a page twice, and gives up after `MAX_ERRANDS` different pages."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._pages: dict[Secret, tuple[ErrandHandoff, bool]] = {}
        self._claims: Claims = {}

    async def follow(self, errand: ErrandHandoff, claims: Claims, *, check_done: bool = False) -> bool:
        """Send the player to the errand's page, and wait. True if the service says that the errand is completed.

        If the player says "I'm done", this returns False at once, or with `check_done` after one more poll. Raises
        `ServiceUnavailable` if the gate refuses the page, and `ErrandNotCompleted` if the player may go to no further page.
        """
        attempts = self._attempts
        attempts.require_page(required_claims(claims))
        if not attempts.left:
            raise ErrandNotCompleted(
                "The page is still not finished, after several tries. Start the sign-in again.",
                reason="OutOfRounds",
                detail=f"The service still asks for an errand after {MAX_ATTEMPTS} attempts.",
            )
        if self._pages and (declined := declined_since(self._claims, claims)):
            raise ErrandNotCompleted(
                f"You chose not to share what this game needs ({', '.join(map(claim_name, declined))[:80]}). "
                "Start the sign-in again if you change your mind.",
                reason="Declined",
                detail="The player declined a claim that the application requires.",
            )
        self._claims = claims
        attempts.waiting_for = "player"
        if errand.errand_key not in self._pages:
            self._pages[errand.errand_key] = await self._show(errand, claims)
        # A later answer may repeat the errand with another URL: the player is shown the URL that has passed the gate.
        errand, opened = self._pages[errand.errand_key]
        heed_done = attempts.left > DONE_KEEPS
        with attempts.done.listen() as said_done:
            attempts.tell(Phase.WAITING_FOR_BROWSER, errand=errand, claims=claims, browser_opened=opened)
            completed = await self._wait(errand, said_done if heed_done else anyio.Event(), check_done=check_done)
        if completed:
            attempts.tell(Phase.ERRAND_COMPLETED, claims=claims)
        return completed

    async def _show(self, errand: ErrandHandoff, claims: Claims) -> tuple[ErrandHandoff, bool]:
        attempts = self._attempts
        if len(self._pages) >= MAX_ERRANDS:
            raise ErrandNotCompleted(
                f"The page was not finished in {MAX_ERRANDS} tries. Start the sign-in again when you have time for it.",
                reason="OutOfRounds",
                detail=f"{MAX_ERRANDS} errands of this login have ended without being completed.",
            )
        page = attempts.ports.gate.admit(errand.page, service_url=attempts.service.native.base_url)
        attempts.tell(Phase.ERRAND_REQUIRED, errand=errand, claims=claims)
        return errand, await attempts.ports.show(page)

    async def _wait(self, errand: ErrandHandoff, said_done: anyio.Event, *, check_done: bool) -> bool:
        """Poll until the errand has ended, or until the player says "I'm done". A failed poll is repeated."""
        clock, chance = self._attempts.clock, self._attempts.ports.chance
        began, failures, wait = clock.now(), 0, seconds_to_wait(policy.ERRAND_POLL, 0, None, chance())
        while (asked := clock.now()) - began < ERRAND_SECONDS + 60:
            with clock.move_on_after(wait):
                await said_done.wait()
                if not check_done:
                    return False
                await clock.sleep(max(0.0, policy.ERRAND_POLL.least - (clock.now() - asked)))
            answer = await self._attempts.service.native.errand_status(errand.errand_key)
            _log.debug("errand status: %s", answer.value or answer.status or answer.trouble)
            if answer.value is ErrandStatus.COMPLETED:
                return True
            if answer.value is ErrandStatus.EXPIRED or said_done.is_set():
                return False
            failures = 0 if answer.value is ErrandStatus.PENDING else failures + 1
            self._attempts.waiting_for = "player" if failures < NOBODY_ANSWERS else "service"
            wait = seconds_to_wait(policy.ERRAND_POLL, failures, answer.retry_after, chance())
        return False


async def share(
    access_token: Secret, ports: Ports, on_progress: OnProgress | None = None, done: DoneSignal | None = None
) -> ErrandResult:
    """The proactive errand: let the player of a valid access token share more.

    Raises one of the errors of `_values.errors`: `ErrandNotCompleted` if a page is needed and the setting `quietly` is on.
    """
    async with ports.service() as service:
        attempts = Attempts(ports, service, on_progress, done)
        with attempts.deadline():
            return await _shared(attempts, access_token)
        raise attempts.time_is_up()


async def _shared(attempts: Attempts, access_token: Secret) -> ErrandResult:
    errands, followed = Errands(attempts), False
    offer = partial(attempts.service.native.create_errand, access_token)
    answer = await attempts.ask(Operation.CREATE_ERRAND, offer)
    while answer.errand is not None:
        followed = True
        if await errands.follow(answer.errand, answer.claims, check_done=True):
            answer = await _claims_after(attempts, offer, answer)
            break  # another errand could ask for the claim that the player has just declined
        # The errand expired, or the player says "I'm done": the next answer tells whether an errand is left.
        answer = await attempts.ask(Operation.CREATE_ERRAND, offer)
    attempts.tell(Phase.SUCCEEDED, claims=answer.claims, attempt=attempts.number)
    return ErrandResult(followed, answer.claims)


async def _claims_after(
    attempts: Attempts, offer: Callable[[], Awaitable[Answer[None]]], before: Answer[None]
) -> Answer[None]:
    """The answer with the claims after completion; `before` if there is none, for example because the token has expired."""
    try:
        return await attempts.ask(Operation.CREATE_ERRAND, offer)
    except (LoginDenied, ServiceUnavailable):
        return before
