"""A direct-issue login, from the first attempt to the tokens: the loop that the table of rules drives.

One implementation for Steam tickets and access keys; what differs is the proof. The proactive errand is `share`.
"""

from __future__ import annotations

from ..claims import declined_since
from ..errors import BridgeError, ErrandNotCompleted, LoginDenied, ServiceUnavailable, SteamUnavailable
from ..events import Claims, ErrandHandoff, ErrandResult, LoginResult, OnProgress, Phase
from ..secret import Secret
from ..service.port import Answer, Operation
from ..service.rules import MAX_ATTEMPTS, Act, Rule, rule_for
from ..service.sentences import sentence_for
from .errand import Ended, ErrandWalk
from .ports import Ports
from .progress import DoneSignal, Progress
from .proof import Proof

DONE_KEEPS = 2
"""Attempts that the player's "I'm done" never uses up, so that an impatient click cannot end the login."""


class _Flow:
    """What both flows share: attempts, waits, the errand, and the end of the time."""

    def __init__(self, ports: Ports, on_progress: OnProgress | None, done: DoneSignal, operation: Operation) -> None:
        self.number = 0
        self.waiting_for = "service"
        self._ports = ports
        self._operation = operation
        self._progress = Progress(on_progress)
        self._errands = ErrandWalk(ports, self._progress, done)
        self._repeated: dict[str, int] = {}
        self._claims: Claims = {}
        self._deadline = ports.clock.now() + ports.settings.timeout

    async def _next_attempt(self, answer: Answer, rule: Rule) -> None:
        """Wait as the row says and count it; raises the row's error where the login may not go on."""
        failures = self._repeated[rule.name] = self._repeated.get(rule.name, 0) + 1
        if rule.act is Act.FAIL or failures > rule.repeats or self.number >= MAX_ATTEMPTS:
            raise self._error(answer, rule)
        wait = rule.backoff.wait(failures, answer.retry_after, self._ports.draw)
        if self._ports.clock.now() + wait >= self._deadline:
            raise self._error(answer, rule)
        self.waiting_for = "service"
        self._progress.tell(Phase.RETRYING, attempt=self.number, retry_in_seconds=wait)
        await self._ports.clock.sleep(wait)

    async def _follow_errand(self, errand: ErrandHandoff, claims: Claims) -> Ended:
        if self.number >= MAX_ATTEMPTS:
            raise ErrandNotCompleted(
                "The service still asks for the page, after all tries. Start the sign-in again.", reason="OutOfRounds"
            )
        if self._errands.started and (declined := declined_since(self._claims, claims)):
            raise ErrandNotCompleted(
                f"You chose not to share what this game needs ({', '.join(declined)[:80]}). "
                "Start the sign-in again if you change your mind.",
                reason="Declined",
            )
        self._claims = claims
        self.waiting_for = "player"
        return await self._errands.follow(errand, claims, heed_done=self.number < MAX_ATTEMPTS - DONE_KEEPS)

    def _error(self, answer: Answer, rule: Rule) -> BridgeError:
        sentence = sentence_for(self._operation, answer, self._ports.settings.application or "the application")
        return rule.error(sentence, reason=answer.reason, detail=answer.detail)

    def _time_is_up(self) -> BridgeError:
        seconds = f"{self._ports.settings.timeout:g} seconds"
        if self.waiting_for == "player":
            return ErrandNotCompleted(
                f"The page was not finished within {seconds}. Start the sign-in again when you have time for it.",
                reason="TimedOut",
            )
        if self.waiting_for == "steam":
            return SteamUnavailable(
                f"Steam gave no ticket within {seconds}. Check that Steam is online, then try again.", reason="TimedOut"
            )
        return ServiceUnavailable(
            f"The sign-in service did not sign you in within {seconds}. Try again in a few minutes.", reason="TimedOut"
        )


class DirectIssue(_Flow):
    """One login by ticket or key."""

    def __init__(self, ports: Ports, proof: Proof, on_progress: OnProgress | None, done: DoneSignal) -> None:
        super().__init__(ports, on_progress, done, proof.operation)
        self._proof = proof

    async def run(self) -> LoginResult:
        """Sign in. Raises one of the errors of `errors`, each with its sentence."""
        with self._ports.clock.move_on_after(self._ports.settings.timeout):
            return await self._until_signed_in()
        raise self._time_is_up()

    async def _until_signed_in(self) -> LoginResult:
        while True:
            self.number += 1
            answer = await self._proof.present(self._ports, self._progress, self)
            rule = rule_for(self._operation, answer)
            if rule.act is Act.DONE and answer.result is not None:
                self._progress.tell(Phase.SUCCEEDED, claims=answer.claims, attempt=self.number)
                return answer.result
            if answer.errand is not None and rule.act is Act.ERRAND:
                await self._follow_errand(answer.errand, answer.claims)
            else:
                await self._next_attempt(answer, rule)


class Share(_Flow):
    """The proactive errand: the player may share what the game would like to know (native-create-errand)."""

    def __init__(self, ports: Ports, access_token: Secret, on_progress: OnProgress | None, done: DoneSignal) -> None:
        super().__init__(ports, on_progress, done, Operation.CREATE_ERRAND)
        self._access_token = access_token

    async def run(self) -> ErrandResult:
        """Offer it and wait for the player. Raises one of the errors of `errors`."""
        with self._ports.clock.move_on_after(self._ports.settings.timeout):
            return await self._until_done()
        raise self._time_is_up()

    async def _until_done(self) -> ErrandResult:
        answer, walked = await self._ask(), False
        while answer.errand is not None:
            walked = True
            if await self._follow_errand(answer.errand, answer.claims) is Ended.COMPLETED:
                answer = await self._ask_once_more(answer)
                break
            # It expired, or the player says that it is done: the next answer tells whether anything is still owed.
            answer = await self._ask()
        self._progress.tell(Phase.SUCCEEDED, claims=answer.claims, attempt=self.number)
        return ErrandResult(walked, answer.claims)

    async def _ask_once_more(self, before: Answer) -> Answer:
        """The claims after completion. Where there are none to be had (the token ran out), it is done all the same."""
        try:
            return await self._ask()
        except (LoginDenied, ServiceUnavailable):
            return before

    async def _ask(self) -> Answer:
        while True:
            self.number += 1
            self.waiting_for = "service"
            self._progress.tell(Phase.ISSUING, attempt=self.number)
            answer = await self._ports.service.create_errand(self._access_token)
            rule = rule_for(self._operation, answer)
            if rule.act is Act.DONE:
                return answer
            await self._next_attempt(answer, rule)
