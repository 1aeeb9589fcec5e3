"""Everything that a test can change and see while the local service runs, as Python methods without a socket.

`Emulator` adds the socket, and `_web.control` offers the same over HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._service.establish_request import EstablishRequest
from ._config.config import EmulatorConfig, Player, merged
from ._config.fault_rule import FaultRule, parse_fault
from ._config.model import refusing
from ._contract.dialects import DIALECTS, DialectName
from ._contract.openapi import description
from ._memory.sessions import Pair, Session
from ._memory.state import FaultTable, RequestRecord, State


class Controls:
    """The settings, the players, the clock and the journal of one local service."""

    def __init__(
        self, config: EmulatorConfig | Mapping[str, Any] | None = None, *, dialect: DialectName | None = None
    ) -> None:
        if isinstance(config, EmulatorConfig):
            self.config: EmulatorConfig = config.model_copy(deep=True)
        else:
            with refusing(EmulatorConfig):
                self.config = merged(EmulatorConfig(), config or {})
        if dialect is not None:
            with refusing(EmulatorConfig):
                self.config.dialect = dialect
        self._given = self.config.model_copy(deep=True)
        self._state = State(self.config)
        self._faults = FaultTable(self.config.faults)

    # --- settings --------------------------------------------------------------------------------------------------------

    def update(self, changes: Mapping[str, Any] | None = None, /, **settings: Any) -> None:
        """Change settings: `update({"claims.email": "REQUIRED"})`, `update(dialect="documents")`. If one is wrong, none changes.

        Raises `SettingRefused`, a ValueError, that names each wrong setting.
        """
        changes = {**(changes or {}), **settings}
        with self._state.lock, refusing(EmulatorConfig):
            changed = merged(self.config, changes)
            before = self.config.model_copy()
            for name in EmulatorConfig.model_fields:
                if getattr(before, name) != getattr(changed, name):
                    setattr(self.config, name, getattr(changed, name))
            if self.config.faults != before.faults:
                self._faults.replace(self.config.faults)
            if self.config.players != before.players:
                for player in self.config.players:
                    self._state.put_player(player)

    def reset(self, *, settings: bool = False) -> None:
        """Forget everything that has happened: players, errands, sign-ins, sessions, tickets, budgets, journal, added faults.

        `settings` also restores the settings that the service was started with.
        """
        with self._state.lock:
            if settings:
                given = self._given.model_copy(deep=True)
                for name in EmulatorConfig.model_fields:
                    setattr(self.config, name, getattr(given, name))
                self._state.clock.freeze(False)
            self._state.reset()
            self._faults.replace(self.config.faults)

    # --- faults ----------------------------------------------------------------------------------------------------------

    def fault(self, rule: FaultRule | str | None = None, /, **fields: Any) -> FaultRule:
        """Add a fault rule (`FaultRule`, its short form, or its fields as keywords), and return it.

        Raises `SettingRefused`, a ValueError, for a wrong rule and for one that matches no request of the service.
        """
        with refusing(FaultRule):
            if isinstance(rule, str):
                rule = parse_fault(rule)
            rule = rule or FaultRule.model_validate(fields)
        self._faults.add(rule)
        return rule

    def clear_faults(self) -> None:
        """Remove every fault rule."""
        self._faults.replace([])

    # --- players ---------------------------------------------------------------------------------------------------------

    @property
    def players(self) -> dict[int, Player]:
        """The accounts by SteamID64. They are live: the next request sees a change to a player."""
        return self._state.players

    def player(self, steam_id: int | None = None) -> Player:
        """The account of a SteamID64 (int), by default of the default player. It is live, and created if it is missing."""
        with self._state.lock:
            return self._state.player(steam_id if steam_id is not None else self.config.default_player)

    def put_player(self, player: Player | Mapping[str, Any] | None = None, /, **fields: Any) -> Player:
        """Add an account, or change the one with this `steam_id`, and return it. Fields that are not given stay unchanged.

        Raises `SettingRefused`, a ValueError, that names each wrong field.
        """
        with self._state.lock, refusing(Player):
            if isinstance(player, Player):
                return self._state.put_player(player)
            given = {**(player or {}), **fields}
            # The SteamID is validated first and alone, so that the error names it if it is missing or wrong.
            named = {name: given[name] for name in ("steam_id", "steamId") if name in given}
            steam_id = Player.model_validate(named).steam_id
            known = self._state.players.get(steam_id) or Player(steam_id=steam_id)
            return self._state.put_player(merged(known, given))

    def remove_player(self, steam_id: int) -> None:
        """Remove an account. Its sign-ins then end as AccountNotFound, and its errands as EXPIRED."""
        with self._state.lock:
            self._state.players.pop(steam_id, None)
            self._state.errands.forget(steam_id)

    # --- sign-ins and sessions -------------------------------------------------------------------------------------------

    def establish(self, narrowing: Mapping[str, Any] | None = None, /) -> dict[str, str]:
        """Act as the game's backend: make an inquiry as POST /establish does, without a client key.

        `narrowing` is the body; without `returnMethods` the inquiry has STATUS_POLL. Returns the inquiry's `exposureKey` and
        `hiddenKey`. Raises `SettingRefused`, a ValueError, for a body that does not fit the contract.
        """
        body = {"returnMethods": [{"type": "STATUS_POLL", "payload": {}}], **(narrowing or {})}
        with self._state.lock, refusing(EstablishRequest):
            body["applicationAnchor"] = self.config.application.anchor
            inquiry = self._state.sign_ins.establish(EstablishRequest.model_validate(body), self.config)
        return {"exposureKey": inquiry.exposure_key, "hiddenKey": inquiry.hidden_key}

    def open_session(self, steam_id: int | None = None) -> Pair:
        """Open a session for a player (SteamID64; by default the default player), and return its tokens."""
        with self._state.lock:
            return self._state.sessions.open(self.player(steam_id))

    @property
    def sessions(self) -> list[Session]:
        """All sessions, oldest first. They are live: the next request sees a change to a session."""
        with self._state.lock:
            return list(self._state.sessions.sessions)

    def set_sessions(
        self, *, steam_id: int | None = None, revoked: bool | None = None, suspended: bool | None = None
    ) -> int:
        """Revoke or suspend the sessions of one player, or of all players. Returns the number of sessions."""
        meant = [one for one in self.sessions if steam_id in (None, one.steam_id)]
        with self._state.lock:
            for session in meant:
                session.revoked = session.revoked if revoked is None else revoked
                session.suspended = session.suspended if suspended is None else suspended
        return len(meant)

    # --- time and the journal --------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass for budgets, errands, sign-ins and tokens.

        Raises `ValueError` if it is negative or leads beyond the year 9000.
        """
        with self._state.lock:
            self._state.clock.advance(seconds)

    def freeze(self, frozen: bool = True) -> None:
        """Stop the clock, which then moves only by `advance`; or let it run again."""
        with self._state.lock:
            self._state.clock.freeze(frozen)

    @property
    def requests(self) -> list[RequestRecord]:
        """The journal: one record for each request, oldest first."""
        with self._state.lock:
            return list(self._state.requests)

    @property
    def urls(self) -> dict[str, Any]:
        """Everything that a client needs: the JSON line of `sudomimus-bridge emulator --json`."""
        state, key = self._state, self.config.access_keys[0] if self.config.access_keys else None
        app_ids = self.config.application.allowed_steam_app_ids
        return {
            "native": state.addresses.native,
            "connect": f"{state.addresses.native}/connect",
            "device": f"{state.addresses.native}/device",
            "session": f"{state.addresses.native}/session",
            "via": state.via_url,
            "application": self.config.application.anchor,
            "steamAppId": app_ids[0] if app_ids else None,
            "accessKeyId": key.identifier if key else None,
            "accessKeySecret": key.secret if key else None,
            "clientKeyFile": state.client_key_file,
        }

    def openapi(self, dialect: str | None = None) -> dict[str, Any]:
        """The OpenAPI document of a dialect, by default of the present one. Raises ValueError for an unknown dialect."""
        chosen = dialect or self.config.dialect
        for name, described in DIALECTS.items():
            if name == chosen:
                return description(described, self._state.addresses.native)
        raise ValueError(f"there is no dialect {chosen[:20]!r}; there are {', '.join(DIALECTS)}")

    def snapshot(self) -> dict[str, Any]:
        """The settings and the state, without secrets, as JSON values."""
        with self._state.lock:
            config = self.config.model_dump(mode="json", by_alias=True, exclude={"players", "faults"})
            for key in config["accessKeys"]:
                key["secret"] = "(not shown)"  # noqa: S105
            return {
                "urls": {name: url for name, url in self.urls.items() if name != "accessKeySecret"},
                "config": config,
                "players": [player.model_dump(mode="json", by_alias=True) for player in self.players.values()],
                "errands": self._state.errands.count(),
                **self._state.sign_ins.count(),
                "sessions": self._state.sessions.count(),
                "faults": [
                    {
                        **fault.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True),
                        "applied": fault.applied,
                    }
                    for fault in self._faults.active
                ],
                "clock": {"now": self._state.clock.now(), "frozen": self._state.clock.frozen},
            }
