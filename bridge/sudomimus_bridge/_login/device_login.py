"""Signing in with a code: the player confirms it in any browser, on any device (device.yaml; RFC 8628)."""

from __future__ import annotations

from .._service.policy import device_pace
from .._service.port import DeviceGrant, Operation
from .._values.errors import ErrandNotCompleted
from .._values.events import LoginResult, OnProgress, Phase
from .flow import Flow, brought
from .ports import Ports
from .progress import DoneSignal


class DeviceLogin(Flow):
    """One login with a code."""

    def __init__(self, ports: Ports, on_progress: OnProgress | None, done: DoneSignal) -> None:
        super().__init__(ports, on_progress, done)
        self._device = ports.service.device
        self._application = ports.settings.require_application()

    async def run(self) -> LoginResult:
        """Sign in. Raises one of the errors of `errors`, each with its sentence."""
        return await self._in_time(self._until_signed_in)

    async def _until_signed_in(self) -> LoginResult:
        self._require_page()
        answer = await self._ask(Operation.DEVICE_AUTHORIZE, lambda: self._device.device_authorize(self._application))
        grant = brought(answer.device)
        await self._tell_player(grant)
        polled = await self._poll(
            Operation.DEVICE_TOKEN,
            lambda: self._device.device_token(grant.device_code, self._application),
            device_pace(grant.interval),
            grant.handoff.lifetime,
        )
        if polled is None or polled.result is None:
            raise ErrandNotCompleted(
                "The code was not confirmed before it expired. Start the sign-in again for a new one.",
                reason="expired_token",
            )
        self._progress.tell(Phase.ERRAND_COMPLETED)
        self._progress.tell(Phase.SUCCEEDED, claims=polled.claims, attempt=self.number, asked=self._asked)
        return polled.result

    async def _tell_player(self, grant: DeviceGrant) -> None:
        """Both pages pass the gate, for both are shown; the one with the code in it is opened here as well."""
        gate, handoff = self._ports.settings.gate, grant.handoff
        page = gate.admit(handoff.page, service_url=self._device.base_url)
        if handoff.page_complete is not None:
            page = gate.admit(handoff.page_complete, service_url=self._device.base_url)
        opened = await self._ports.show(page)
        self._progress.tell(Phase.WAITING_FOR_BROWSER, device=handoff, browser_opened=opened)
