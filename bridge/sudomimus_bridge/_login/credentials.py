"""Reads credentials from the environment or a file, and checks them before anything is sent. No error repeats one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .._values.errors import ConfigurationError, system_words
from .._values.secret import Secret, sealed

if TYPE_CHECKING:
    from .._service.answers import Inquiry

LARGEST_FILE = 100_000
"""The most characters that are read from a file with a secret."""


@sealed
def read_secret_file(path: str | os.PathLike[str], flag: str, what: str) -> Secret:
    """The text of a file that holds a secret. Raises `ConfigurationError`."""
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            return Secret(file.read(LARGEST_FILE).strip())
    except (OSError, ValueError) as error:
        why = system_words(error) if isinstance(error, OSError) else "it is not a text file"
        raise ConfigurationError(
            detail=f"The file of {flag} cannot be read: {why}. Pass the path of a text file that holds {what}."
        ) from None


def as_secret(value: str | Secret | None) -> Secret | None:
    """The credential as a `Secret`; None if it is empty."""
    text = value if isinstance(value, Secret) else Secret((value or "").strip())
    return text or None


@sealed
def from_environment(environ: Mapping[str, str], variable: str) -> Secret | None:
    """The credential in a variable; None if it is not set."""
    return as_secret(environ.get(variable))


_IDENTIFIER = r"(?i)acs_k_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_ACCESS_KEY_SECRET = r"acs_t_[0-9a-f]{64}"  # noqa: S105 - a pattern
_INQUIRY_KEY = r"[\x21-\x7e]{1,1000}"
_KEY_SENTENCE = "The access key is missing or incomplete. Check it, or ask for a new one."


@sealed
def checked_access_key(identifier: str | None, secret: Secret | None) -> tuple[str, Secret]:
    """Check both halves of an access key and return them. Raises `ConfigurationError`, which repeats neither half."""
    if not identifier:
        detail = (
            "No access key is set: pass --access-key-id or set SUDOMIMUS_ACCESS_KEY_ID to its identifier (acs_k_…)."
        )
        raise ConfigurationError(_KEY_SENTENCE, detail=detail)
    if not re.fullmatch(_IDENTIFIER, identifier):
        swapped = " This is the secret half: the two are swapped." if identifier.startswith("acs_t_") else ""
        detail = f"The access key identifier is malformed: it is acs_k_ followed by a UUID, version 4.{swapped}"
        raise ConfigurationError(_KEY_SENTENCE, detail=detail)
    if not secret:
        detail = (
            "No access key secret is set: set SUDOMIMUS_ACCESS_KEY_SECRET to it (acs_t_…), or pass --secret-file PATH."
        )
        raise ConfigurationError(_KEY_SENTENCE, detail=detail)
    if not re.fullmatch(_ACCESS_KEY_SECRET, secret.reveal()):
        detail = "The access key secret is malformed: it is acs_t_ followed by 64 lowercase hexadecimal characters."
        raise ConfigurationError(_KEY_SENTENCE, detail=detail)
    return identifier, secret


@sealed
def checked_inquiry(exposure_key: Secret | None, hidden_key: Secret | None) -> Inquiry:
    """Check the two keys of an inquiry and return the inquiry. Raises `ConfigurationError`, which repeats neither key."""
    from .._service.answers import Inquiry

    if exposure_key is None or hidden_key is None:
        missing = "exposure" if exposure_key is None else "hidden"
        raise ConfigurationError(
            detail=f"Half of the inquiry is missing: the {missing} key (SUDOMIMUS_{missing.upper()}_KEY). Your backend gets "
            "both from POST /establish."
        )
    for name, key in (("exposure", exposure_key), ("hidden", hidden_key)):
        if not re.fullmatch(_INQUIRY_KEY, key.reveal()):
            raise ConfigurationError(detail=f"The {name} key is malformed: it holds characters that no key has.")
    if exposure_key.reveal().startswith("hid_") or hidden_key.reveal().startswith("exp_"):
        raise ConfigurationError(detail="The exposure key (exp_…) and the hidden key (hid_…) are swapped.")
    return Inquiry(exposure_key, hidden_key)
