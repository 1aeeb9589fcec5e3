"""Using a refresh token, and ending a session: the two flows that never send the player to a page."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from .._service.answers import Answer, Fate, Refreshed, Unsent
from .._service.operations import Operation
from .._service.rows import Act
from .._service.rules import rule_for
from .._values.errors import BridgeError, ConfigurationError, ServiceUnavailable
from .._values.events import LoginResult
from .._values.secret import Secret
from .attempts import Attempts
from .ports import Ports

LATE_SECONDS = 5.0
"""If the first request took longer, sleep included, no second one follows. The first may have used the token at its very
start, so the second would come after the service's grace time.
"""


async def refresh(refresh_token: Secret, ports: Ports, unsent: Unsent = nullcontext) -> Refreshed:
    """Use a refresh token. Returns its fate, with the new tokens or the error. Raises no error of the bridge.

    The flow holds `unsent` while it waits before another attempt and the token is certainly unused. If an answer was lost soon
    after its request, the flow sends the token once more at once, and never later.
    """
    async with ports.service() as service:
        attempts = Attempts(ports, service)
        try:
            with attempts.deadline():
                return await _refreshed(attempts, refresh_token, unsent)
            raise attempts.time_is_up()
        except ConfigurationError as error:  # no request was sent
            return Refreshed(Fate.UNUSED, error=error)
        except ServiceUnavailable as error:  # the time was up during a request
            return Refreshed(Fate.UNKNOWN, error=error)


async def logout(refresh_token: Secret, ports: Ports) -> bool:
    """End a session. True if the service ended it, False if it had ended before. Raises the errors of `_values.errors`."""
    async with ports.service() as service:
        attempts = Attempts(ports, service)
        with attempts.deadline():
            answer = await attempts.ask(Operation.LOGOUT, partial(service.session.logout, refresh_token))
            return answer.value
        raise attempts.time_is_up()


async def _refreshed(attempts: Attempts, refresh_token: Secret, unsent: Unsent) -> Refreshed:
    application, clock = attempts.settings.application or "", attempts.clock
    lost: Answer[LoginResult] | None = None
    while True:
        attempts.number += 1
        sent = clock.uptime()
        answer = await attempts.service.session.refresh(refresh_token, application)
        rule = attempts.rule(Operation.REFRESH, answer)
        if rule.act is Act.DONE:
            return Refreshed(Fate.RENEWED, answer.value)
        if lost is not None:
            return _after_lost(attempts, lost, answer)
        if rule.fate is Fate.UNKNOWN:
            age = clock.uptime().since(sent)
            if age is None or age > LATE_SECONDS:
                return Refreshed(Fate.UNKNOWN, error=attempts.error(Operation.REFRESH, answer))
            # The second try comes at once or never, even if the service asks for patience.
            lost = answer = replace(answer, retry_after=None)
        try:
            async with unsent() if rule.fate is Fate.UNUSED else nullcontext():
                await attempts.wait(Operation.REFRESH, answer)
        except BridgeError as error:
            return Refreshed(rule.fate, error=error)


def _after_lost(attempts: Attempts, lost: Answer[LoginResult], answer: Answer[LoginResult]) -> Refreshed:
    """The outcome of the second attempt. Only DEAD is certain: any other answer may result from the first request."""
    error, fate = attempts.error(Operation.REFRESH, answer), rule_for(Operation.REFRESH, answer).fate
    if isinstance(error, ConfigurationError):  # the first request was the same, so no setting is wrong
        return Refreshed(Fate.UNKNOWN, error=attempts.error(Operation.REFRESH, lost))
    return Refreshed(fate if fate is Fate.DEAD else Fate.UNKNOWN, error=error)
