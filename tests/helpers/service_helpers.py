"""Runs one flow of any kind in virtual time on a scripted service, and records its outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sudomimus_bridge._login.errand import share
from sudomimus_bridge._login.methods import AccessKey, Browser, Device, Steam
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.renewal import logout, refresh
from sudomimus_bridge._login.sign_in import sign_in
from sudomimus_bridge._runs.signals import DoneSignal
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.errors import BridgeError
from sudomimus_bridge._values.events import LoginResult, ProgressEvent
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Seen, Step, scripted
from sudomimus_bridge.testing._stub_steam import StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

ACCESS_KEY = ("acs_k_4f9d5f61-8e3a-4f0e-9f65-0123456789ab", Secret("acs_t_" + "0123456789abcdef" * 4))
EXPOSURE, HIDDEN, CONFIRMATION = "exp_0123456789", "hid_0123456789", "cnf_0123456789"
DEVICE_CODE, USER_CODE = "dvc_" + "0a" * 32, "WDJB-M0H8"

ISSUED = Step()
ESTABLISHED = Step(body={"applicationAnchor": "my-game", "exposureKey": EXPOSURE, "hiddenKey": HIDDEN})
PENDING = Step(body={"status": "PENDING"})
REALIZED = Step(body={"status": "REALIZED", "confirmationKey": CONFIRMATION})
GRANT = {
    "applicationAnchor": "my-game",
    "deviceCode": DEVICE_CODE,
    "userCode": USER_CODE,
    "verificationUri": "https://via.sudomimus.com/device",
    "verificationUriComplete": f"https://via.sudomimus.com/device?user-code={USER_CODE}",
    "expiresIn": 600,
    "interval": 5,
}
GRANTED = Step(body=GRANT)
AUTHORIZATION_PENDING = Step(400, {"error": "authorization_pending"})


def refused(status: int, reason: str | None = None, field: str = "reason", **headers: str) -> Step:
    body = {field: reason} if reason else b""
    return Step(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


@cache
def private_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem_of(key: Any, form: str = "PKCS8", password: bytes | None = None) -> str:
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    )
    return str(
        key.private_bytes(serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form), encryption).decode()
    )


def by_inquiry() -> Browser:
    return Browser(exposure_key=EXPOSURE, hidden_key=HIDDEN, environ={})


def by_key(**more: Any) -> Browser:
    return Browser(client_key=pem_of(private_key()), environ={}, **more)


def by_access_key() -> AccessKey:
    return AccessKey(access_key_id=ACCESS_KEY[0], access_key_secret=ACCESS_KEY[1], environ={})


@dataclass
class Ran:
    """The outcome of one flow."""

    outcome: Any
    transport: ScriptedTransport
    browser: RecordingBrowser
    events: list[ProgressEvent]
    seconds: float

    def sent(self, path: str) -> list[Seen]:
        return [seen for seen in self.transport.seen if seen.path == path]

    def gaps(self, path: str) -> list[float]:
        """The seconds between requests to one path."""
        at = [seen.at for seen in self.sent(path)]
        return [round(after - before, 3) for before, after in pairwise(at)]

    @property
    def phases(self) -> list[str]:
        return [event.phase.value for event in self.events]

    @property
    def error(self) -> BridgeError:
        assert isinstance(self.outcome, BridgeError), self.outcome
        return self.outcome

    @property
    def result(self) -> LoginResult:
        assert isinstance(self.outcome, LoginResult), self.outcome
        return self.outcome


def ran(
    how: str,
    posts: Sequence[Step] = (ISSUED,),
    polls: Sequence[Step] = (),
    *,
    credentials: Browser | None = None,
    backend: str = "asyncio",
    browser: RecordingBrowser | None = None,
    on_request: Callable[[Seen, DoneSignal], object] | None = None,
    clock: VirtualClock | None = None,
    steam: StubSteam | None = None,
    **settings: Any,
) -> Ran:
    """Run a flow. `how` is a login method, or "share", "refresh" or "logout"."""
    clock, done = clock or VirtualClock(), DoneSignal()
    transport = ScriptedTransport(clock, posts, polls)
    transport.on_request = None if on_request is None else lambda seen: on_request(seen, done)
    shown, events = browser or RecordingBrowser(), list[ProgressEvent]()

    async def flow() -> tuple[Any, float]:
        given = read_settings({"application": "my-game", "steam_app_id": 480, **settings}, {})
        port = steam or StubSteam(clock)
        ports = Ports(given, steam=port, browser=shown, clock=clock, open_service=scripted(transport))
        flows: dict[str, Callable[[], Any]] = {
            "steam": lambda: sign_in(Steam(), ports, events.append, done),
            "access-key": lambda: sign_in(by_access_key(), ports, events.append, done),
            "browser": lambda: sign_in(credentials or by_inquiry(), ports, events.append, done),
            "device": lambda: sign_in(Device(), ports, events.append, done),
            "share": lambda: share(Secret("access.token.1"), ports, events.append, done),
            "refresh": lambda: refresh(Secret("refresh.token.0"), ports),
            "logout": lambda: logout(Secret("refresh.token.0"), ports),
        }
        began = clock.now()
        try:
            outcome = await flows[how]()
        except BridgeError as error:
            outcome = error
        return outcome, clock.now() - began

    outcome, seconds = clock.run(flow, backend=backend)
    return Ran(outcome, transport, shown, events, seconds)
