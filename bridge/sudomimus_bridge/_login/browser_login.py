"""Signing in through the browser: an inquiry, its page, the wait for the player, and the tokens (native-flows).

The inquiry is established here with the application's private key, or was established by the game's backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from .._service.client_auth import ClientKey
from .._service.constraints import Constraints
from .._service.policy import INQUIRY_PACE
from .._service.port import Answer, Inquiry, Operation
from .._values.errors import ErrandNotCompleted
from .._values.events import ErrandHandoff, LoginResult, OnProgress, Phase
from .._values.sealed import sealed
from .._values.secret import Secret
from .flow import Flow, brought
from .ports import Ports
from .progress import DoneSignal


@dataclass(frozen=True)
class Establish:
    """What is needed to establish an inquiry."""

    key: ClientKey
    constraints: Constraints


class BrowserLogin(Flow):
    """One login through the browser."""

    def __init__(
        self, ports: Ports, source: Inquiry | Establish, on_progress: OnProgress | None, done: DoneSignal
    ) -> None:
        super().__init__(ports, on_progress, done)
        self._source = source
        self._connect = ports.service.connect
        self._skew = 0.0

    async def run(self) -> LoginResult:
        """Sign in. Raises one of the errors of `errors`, each with its sentence."""
        return await self._in_time(self._until_signed_in)

    async def _until_signed_in(self) -> LoginResult:
        self._require_page()
        inquiry = self._source if isinstance(self._source, Inquiry) else await self._establish(self._source)
        confirmation_key = await self._wait_for_player(inquiry)
        application = self._ports.settings.application or ""
        answer = await self._ask(Operation.REDEEM, lambda: self._connect.redeem(inquiry, confirmation_key, application))
        self._progress.tell(Phase.SUCCEEDED, claims=answer.claims, attempt=self.number)
        return brought(answer.result)

    async def _establish(self, source: Establish) -> Inquiry:
        application = self._ports.settings.require_application()
        body = {"applicationAnchor": application, **source.constraints.to_json()}

        async def ask() -> Answer:
            # By the service's clock, once it is known to differ: a JWT that is ahead or has expired is refused.
            now = self._ports.clock.wall() + self._skew
            answer = await self._connect.establish(
                body, lambda content: source.key.authorization(content, application, now)
            )
            self._skew = self._skew if answer.skew is None else answer.skew
            return answer

        return brought((await self._ask(Operation.ESTABLISH, ask)).inquiry)

    async def _wait_for_player(self, inquiry: Inquiry) -> Secret:
        settings = self._ports.settings
        handoff = ErrandHandoff(
            inquiry.exposure_key,
            settings.gate.admit(_page(settings.via_url, inquiry), service_url=self._connect.base_url),
            expires_at=None,
            lifetime=None,
        )
        opened = await self._ports.show(handoff.page)
        self._progress.tell(Phase.WAITING_FOR_BROWSER, errand=handoff, browser_opened=opened)
        answer = await self._poll(Operation.STATUS_POLL, lambda: self._connect.status_poll(inquiry), INQUIRY_PACE)
        if answer is None or answer.confirmation_key is None:
            raise ErrandNotCompleted("The page in the browser was not finished. Start the sign-in again.")
        self._progress.tell(Phase.ERRAND_COMPLETED)
        return answer.confirmation_key


@sealed
def _page(via_url: str, inquiry: Inquiry) -> Secret:
    return Secret(f"{via_url}/?exposure-key={quote(inquiry.exposure_key.reveal(), safe='')}")
