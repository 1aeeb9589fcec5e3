"""Signing in: the one loop that every login of every door runs, with any method."""

from __future__ import annotations

from .._runs.signals import DoneSignal
from .._service.rows import Act
from .._values.errors import SteamUnavailable
from .._values.events import LoginResult, OnProgress, Phase
from .attempts import Attempts
from .errand import Errands
from .methods import Method
from .ports import Ports


async def sign_in(
    method: Method, ports: Ports, on_progress: OnProgress | None = None, done: DoneSignal | None = None
) -> LoginResult:
    """Present the method until the service issues tokens. Raises one of the errors of `_values.errors`."""
    method.check(ports.settings)
    async with ports.service() as service:
        patient = ports.settings.patient
        attempts = Attempts(ports, service, on_progress, done, patient=patient)  # the count, the waits, the deadline
        errands = Errands(attempts)
        with attempts.deadline():
            await method.prepare(attempts)
            while True:  # `wait` raises after the eighth attempt, unless the login is patient
                try:
                    answer = await method.present(attempts)  # Steam: ask for a ticket, send it, cancel it
                except SteamUnavailable as error:
                    await attempts.wait_for_steam(error)  # raises it, unless the login is patient
                    continue
                rule = attempts.rule(method.operation, answer)
                if rule.act is Act.DONE:
                    attempts.tell(Phase.SUCCEEDED, claims=answer.claims, attempt=attempts.number, asked=attempts.asked)
                    return answer.value
                if rule.act is Act.ERRAND and answer.errand is not None:
                    await errands.follow(answer.errand, answer.claims)
                else:
                    await attempts.wait(method.operation, answer)
        raise attempts.time_is_up()
