"""What a login signs in with, from keywords, flags and the environment: read in one place for every door.

A credential that was given wins over the environment. Nothing here is repeated in an error, for everything here is secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .._service.port import Inquiry
from .._values.errors import ConfigurationError, system_words
from .._values.sealed import sealed
from .._values.secret import Secret

if TYPE_CHECKING:
    from .._service.constraints import Constraints

MAX_FILE = 100_000

_KEY = re.compile(r"[\x21-\x7e]{1,1000}")


@dataclass(frozen=True)
class BrowserCredentials:
    """An inquiry that a backend has established, or what it takes to establish one."""

    inquiry: Inquiry | None = field(default=None, repr=False)
    client_key: Secret | None = field(default=None, repr=False)
    constraints: Constraints | None = None


@sealed
def access_key_credentials(
    access_key_id: str | None = None,
    access_key_secret: str | Secret | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[str | None, Secret | None]:
    """The credentials for `login access-key`; None for what neither was given nor stands in the environment."""
    identifier = access_key_id or environ.get("SUDOMIMUS_ACCESS_KEY_ID") or None
    return identifier, _secret(access_key_secret) or _secret(environ.get("SUDOMIMUS_ACCESS_KEY_SECRET"))


@sealed
def browser_credentials(
    *,
    client_key: str | Secret | None = None,
    client_key_file: str | os.PathLike[str] | None = None,
    exposure_key: str | Secret | None = None,
    hidden_key: str | Secret | None = None,
    constraints: Constraints | None = None,
    environ: Mapping[str, str] = os.environ,
) -> BrowserCredentials:
    """The credentials for `login browser`. Raises `ConfigurationError` where they are missing, malformed, or both kinds.

    In the environment an inquiry wins over a key: it was established for this one login.
    """
    by_key = client_key is not None or client_key_file is not None
    by_inquiry = exposure_key is not None or hidden_key is not None
    if by_key and by_inquiry:
        raise ConfigurationError("Give either a client key or an exposure key and a hidden key, not both.")
    if not by_key:
        given = (
            _secret(exposure_key) or _secret(environ.get("SUDOMIMUS_EXPOSURE_KEY")),
            _secret(hidden_key) or _secret(environ.get("SUDOMIMUS_HIDDEN_KEY")),
        )
        if by_inquiry or any(given):
            if constraints is not None:
                raise ConfigurationError(
                    "Constraints belong to whoever establishes the inquiry: give them to your backend, or a client key here."
                )
            return BrowserCredentials(inquiry=_inquiry(*given))
    pem = _secret(client_key)
    if pem is None and client_key_file is not None:
        pem = read_secret_file(client_key_file, "--client-key-file", "the client key")
    pem = pem or _secret(environ.get("SUDOMIMUS_CLIENT_KEY"))
    if pem is None:
        raise ConfigurationError(
            "There is nothing to sign in through the browser with: set SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY to "
            "the keys that your backend established, or, on a developer's machine, SUDOMIMUS_CLIENT_KEY to a client key, which "
            "`login browser` also takes as --client-key-file PATH."
        )
    return BrowserCredentials(client_key=pem, constraints=constraints)


@sealed
def read_secret_file(path: str | os.PathLike[str], flag: str, what: str) -> Secret:
    """The text of a file that holds a secret. Raises `ConfigurationError`."""
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            return Secret(file.read(MAX_FILE).strip())
    except (OSError, ValueError) as error:
        why = system_words(error) if isinstance(error, OSError) else "it is not a text file"
        raise ConfigurationError(
            f"The file of {flag} cannot be read: {why}. Pass the path of a text file that holds {what}."
        ) from None


@sealed
def _inquiry(exposure_key: Secret | None, hidden_key: Secret | None) -> Inquiry:
    if exposure_key is None or hidden_key is None:
        missing = "exposure" if exposure_key is None else "hidden"
        raise ConfigurationError(
            f"Half of the inquiry is missing: the {missing} key (SUDOMIMUS_{missing.upper()}_KEY). Your backend gets both "
            "from POST /establish."
        )
    for name, key in (("exposure", exposure_key), ("hidden", hidden_key)):
        if not _KEY.fullmatch(key.reveal()):
            raise ConfigurationError(f"The {name} key is malformed: it holds characters that no key has.")
    if exposure_key.reveal().startswith("hid_") or hidden_key.reveal().startswith("exp_"):
        raise ConfigurationError("The exposure key and the hidden key are swapped: exp_… is the one, hid_… the other.")
    return Inquiry(exposure_key, hidden_key)


def _secret(value: str | Secret | None) -> Secret | None:
    text = value if isinstance(value, Secret) else Secret((value or "").strip())
    return text or None
