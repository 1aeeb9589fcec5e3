"""A direct-issue login, from the first attempt to the tokens: the loop that the table of rules drives.

One implementation for Steam tickets and access keys; what differs is the proof. The proactive errand is `share`.
"""

from __future__ import annotations

from .._service.policy import MAX_ATTEMPTS, Act
from .._service.port import Answer, Operation
from .._service.rules import rule_for
from .._values.claims import claim_name, declined_since, required_claims
from .._values.errors import ErrandNotCompleted, LoginDenied, ServiceUnavailable
from .._values.events import Claims, ErrandHandoff, ErrandResult, LoginResult, OnProgress, Phase
from .._values.secret import Secret
from .errand import Ended, ErrandWalk
from .flow import Flow, log_answer
from .ports import Ports
from .progress import DoneSignal
from .proof import Proof

DONE_KEEPS = 2
"""Attempts that the player's "I'm done" never uses up, so that an impatient click cannot end the login."""


class ErrandFlow(Flow):
    """A flow that the service may send on an errand."""

    def __init__(self, ports: Ports, on_progress: OnProgress | None, done: DoneSignal) -> None:
        super().__init__(ports, on_progress, done)
        self._errands = ErrandWalk(ports, self._progress, done)
        self._claims: Claims = {}

    async def _follow_errand(self, errand: ErrandHandoff, claims: Claims, *, check_done: bool = False) -> Ended:
        self._require_page(required_claims(claims))
        if self.number >= MAX_ATTEMPTS:
            raise ErrandNotCompleted(
                "The service still asks for the page, after all tries. Start the sign-in again.", reason="OutOfRounds"
            )
        if self._errands.started and (declined := declined_since(self._claims, claims)):
            raise ErrandNotCompleted(
                f"You chose not to share what this game needs ({', '.join(map(claim_name, declined))[:80]}). "
                "Start the sign-in again if you change your mind.",
                reason="Declined",
            )
        self._claims = claims
        self.waiting_for = "player"
        heed_done = self.number < MAX_ATTEMPTS - DONE_KEEPS
        return await self._errands.follow(errand, claims, heed_done=heed_done, check_done=check_done)


class DirectIssue(ErrandFlow):
    """One login by ticket or key."""

    def __init__(self, ports: Ports, proof: Proof, on_progress: OnProgress | None, done: DoneSignal) -> None:
        super().__init__(ports, on_progress, done)
        self._proof = proof

    async def run(self) -> LoginResult:
        """Sign in. Raises one of the errors of `errors`, each with its sentence."""
        return await self._in_time(self._until_signed_in)

    async def _until_signed_in(self) -> LoginResult:
        while True:
            self.number += 1
            answer = await self._proof.present(self._ports, self._progress, self)
            log_answer(self._proof.operation, answer)
            rule = rule_for(self._proof.operation, answer)
            if rule.act is Act.DONE and answer.result is not None:
                self._progress.tell(Phase.SUCCEEDED, claims=answer.claims, attempt=self.number)
                return answer.result
            if answer.errand is not None and rule.act is Act.ERRAND:
                await self._follow_errand(answer.errand, answer.claims)
            else:
                await self._next_attempt(self._proof.operation, answer)


class Share(ErrandFlow):
    """The proactive errand: the player may share what the game would like to know (native-create-errand)."""

    def __init__(self, ports: Ports, access_token: Secret, on_progress: OnProgress | None, done: DoneSignal) -> None:
        super().__init__(ports, on_progress, done)
        self._access_token = access_token

    async def run(self) -> ErrandResult:
        """Offer it and wait for the player. Raises one of the errors of `errors`."""
        return await self._in_time(self._until_done)

    async def _until_done(self) -> ErrandResult:
        answer, walked = await self._offer(), False
        while answer.errand is not None:
            walked = True
            # Asked again, the service may offer what the player has just declined: a page once more.
            if await self._follow_errand(answer.errand, answer.claims, check_done=True) is Ended.COMPLETED:
                answer = await self._claims_after(answer)
                break
            # It expired, or the player says that it is done: the next answer tells whether anything is still owed.
            answer = await self._offer()
        self._progress.tell(Phase.SUCCEEDED, claims=answer.claims, attempt=self.number)
        return ErrandResult(walked, answer.claims)

    async def _claims_after(self, before: Answer) -> Answer:
        """The claims after completion. Where there are none to be had (the token ran out), it is done all the same."""
        try:
            return await self._offer()
        except (LoginDenied, ServiceUnavailable):
            return before

    async def _offer(self) -> Answer:
        return await self._ask(
            Operation.CREATE_ERRAND, lambda: self._ports.service.native.create_errand(self._access_token)
        )
