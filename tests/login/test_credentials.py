"""Specifies the forms of credentials, each on both sides of its bounds. No error repeats one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sudomimus_bridge import ConfigurationError
from sudomimus_bridge._login.credentials import (
    as_secret,
    checked_access_key,
    checked_inquiry,
    from_environment,
    read_secret_file,
)
from sudomimus_bridge._values.secret import Secret

from ..helpers.service_helpers import ACCESS_KEY

IDENTIFIER, SECRET = ACCESS_KEY


@pytest.mark.parametrize(
    ("identifier", "secret", "words"),
    [
        (None, SECRET, "No access key is set"),
        ("", SECRET, "No access key is set"),
        ("acs_k_4f9d5f61", SECRET, "identifier is malformed"),
        (IDENTIFIER + "0", SECRET, "identifier is malformed"),
        (SECRET.reveal(), SECRET, "the two are swapped"),
        (IDENTIFIER, None, "No access key secret is set"),
        (IDENTIFIER, Secret("acs_t_" + "0" * 63), "secret is malformed"),
        (IDENTIFIER, Secret("acs_t_" + "0" * 65), "secret is malformed"),
        (IDENTIFIER, Secret("acs_t_" + "A" * 64), "secret is malformed"),
    ],
)
def test_malformed_access_key(identifier: str | None, secret: Secret | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        checked_access_key(identifier, secret)
    assert "access key is missing or incomplete" in refused.value.sentence
    assert ("swapped" in str(refused.value.detail)) == ("swapped" in words)


def test_access_key() -> None:
    assert checked_access_key(IDENTIFIER, SECRET) == (IDENTIFIER, SECRET)
    assert checked_access_key(IDENTIFIER.upper().replace("ACS_K", "acs_k"), SECRET)


@pytest.mark.parametrize(
    ("exposure", "hidden", "words"),
    [
        (None, "hid_1", "SUDOMIMUS_EXPOSURE_KEY"),
        ("exp_1", None, "SUDOMIMUS_HIDDEN_KEY"),
        ("exp 1", "hid_1", "The exposure key is malformed"),
        ("exp_1", "hid_\n", "The hidden key is malformed"),
        ("x" * 1001, "hid_1", "The exposure key is malformed"),
        ("hid_1", "exp_1", "swapped"),
        ("hid_1", "hid_1", "swapped"),
        ("exp_1", "exp_1", "swapped"),
    ],
)
def test_malformed_inquiry(exposure: str | None, hidden: str | None, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        checked_inquiry(*(None if key is None else Secret(key) for key in (exposure, hidden)))


def test_longest_key_of_an_inquiry() -> None:
    inquiry = checked_inquiry(Secret("x" * 1000), Secret("hid_1"))
    assert (inquiry.exposure_key, inquiry.hidden_key) == (Secret("x" * 1000), Secret("hid_1"))


@pytest.mark.parametrize("value", [None, "", "  \n", Secret("")])
def test_empty_credential(value: str | Secret | None) -> None:
    assert as_secret(value) is None


def test_given_credential() -> None:
    assert as_secret(" key \n") == as_secret(Secret("key")) == Secret("key")
    assert from_environment({"KEY": " key "}, "KEY") == Secret("key")
    assert from_environment({}, "KEY") is None


def test_file_of_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("\ufeff key \n", encoding="utf-8")
    assert read_secret_file(path, "--key-file", "the key") == Secret("key")
    path.write_text("x" * 100_001)
    assert read_secret_file(path, "--key-file", "the key") == Secret("x" * 100_000)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(
        ConfigurationError, match=r"--key-file cannot be read: it is not a text file\. .* holds the key"
    ):
        read_secret_file(path, "--key-file", "the key")
    with pytest.raises(ConfigurationError, match=r"cannot be read: (?!it is not)"):
        read_secret_file(tmp_path / "nowhere", "--key-file", "the key")
