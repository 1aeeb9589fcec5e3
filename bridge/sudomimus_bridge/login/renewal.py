"""Using a refresh token, and giving one back: the two calls of a session that no player waits on a page for."""

from __future__ import annotations

from ..errors import BridgeError, ConfigurationError, ServiceUnavailable
from ..secret import Secret
from ..service.policy import Act
from ..service.port import Operation
from ..service.rules import rule_for
from ..session.refresh import Fate, Refreshed
from .flow import Flow, brought
from .ports import Ports
from .progress import DoneSignal


class Renewal(Flow):
    """One use of one refresh token."""

    def __init__(self, ports: Ports, refresh_token: Secret) -> None:
        super().__init__(ports, None, DoneSignal())
        self._refresh_token = refresh_token
        self._session = ports.service.session

    async def refresh(self) -> Refreshed:
        """What became of it. Raises nothing: an error is part of the outcome.

        After a lost answer it is sent once more at once, and never later ("Connect, device, session").
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
        application, lost = self._ports.settings.require_application(), False
        while True:
            self.number += 1
            answer = await self._session.refresh(self._refresh_token, application)
            rule = rule_for(Operation.REFRESH, answer)
            if rule.act is Act.DONE and answer.result is not None:
                return Refreshed(Fate.RENEWED, answer.result)
            if lost:
                fate = Fate.UNKNOWN if rule.fate is Fate.UNUSED else rule.fate
                return Refreshed(fate, error=self._error(Operation.REFRESH, answer))
            lost = rule.fate is Fate.UNKNOWN
            try:
                await self._next_attempt(Operation.REFRESH, answer)
            except BridgeError as error:
                return Refreshed(rule.fate, error=error)
