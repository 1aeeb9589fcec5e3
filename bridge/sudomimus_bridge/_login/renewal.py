"""Using a refresh token, and giving one back: the two calls of a session that no player waits on a page for."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from .._service.policy import Act
from .._service.port import Answer, Operation
from .._service.rules import rule_for
from .._session.refresh import Fate, Refreshed, Unsent
from .._values.errors import BridgeError, ConfigurationError, ServiceUnavailable
from .._values.secret import Secret
from .flow import Flow, brought, log_answer
from .ports import Ports
from .progress import DoneSignal

LATE_SECONDS = 5.0
"""After a request that took longer, by the clock that runs through sleep, a second one could not be "near-simultaneous"
(session.yaml, `/refresh`): the first may have used the token at its very start."""


class Renewal(Flow):
    """One use of one refresh token."""

    def __init__(self, ports: Ports, refresh_token: Secret, unsent: Unsent = nullcontext) -> None:
        """`unsent` is entered while a try is waited for, all tries before it having left the token unused."""
        super().__init__(ports, None, DoneSignal())
        self._refresh_token = refresh_token
        self._unsent = unsent
        self._session = ports.service.session

    async def refresh(self) -> Refreshed:
        """What became of it. Raises nothing: an error is part of the outcome.

        After an answer that was lost soon it is sent once more at once, and never later ("Connect, device, session").
        """
        try:
            return await self._in_time(self._until_known)
        except ConfigurationError as error:  # nothing could be sent
            return Refreshed(Fate.UNUSED, error=error)
        except ServiceUnavailable as error:  # the time was up in mid-request
            return Refreshed(Fate.UNKNOWN, error=error)

    async def logout(self) -> bool:
        """Whether the service ended the session. Raises one of the errors of `errors`."""
        answer = await self._in_time(
            lambda: self._ask(Operation.LOGOUT, lambda: self._session.logout(self._refresh_token))
        )
        return brought(answer.revoked)

    async def _until_known(self) -> Refreshed:
        application, clock = self._ports.settings.application or "", self._ports.clock
        lost: Answer | None = None
        while True:
            self.number += 1
            sent = clock.uptime()
            answer = await self._session.refresh(self._refresh_token, application)
            log_answer(Operation.REFRESH, answer)
            rule = rule_for(Operation.REFRESH, answer)
            if rule.act is Act.DONE and answer.result is not None:
                return Refreshed(Fate.RENEWED, answer.result)
            if lost is not None:
                return self._after_lost(lost, answer)
            if rule.fate is Fate.UNKNOWN:
                age = clock.uptime().since(sent)
                if age is None or age > LATE_SECONDS:
                    return Refreshed(Fate.UNKNOWN, error=self._error(Operation.REFRESH, answer))
                # Whoever asks to be left alone for a while gets the token at once or never.
                lost = answer = replace(answer, retry_after=None)
            try:
                async with self._unsent() if rule.fate is Fate.UNUSED else nullcontext():
                    await self._next_attempt(Operation.REFRESH, answer)
            except BridgeError as error:
                return Refreshed(rule.fate, error=error)

    def _after_lost(self, lost: Answer, answer: Answer) -> Refreshed:
        """Only that the session has ended is certain then; all else may be about a token that the first request has used."""
        error, fate = self._error(Operation.REFRESH, answer), rule_for(Operation.REFRESH, answer).fate
        if isinstance(error, ConfigurationError):  # it is the request that was sent before, so nothing is set wrong
            return Refreshed(Fate.UNKNOWN, error=self._error(Operation.REFRESH, lost))
        return Refreshed(fate if fate is Fate.DEAD else Fate.UNKNOWN, error=error)
