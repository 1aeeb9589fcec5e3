"""Specifies the trusted certificates, the errors for variables that name them, and the words for a TLS failure."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import ssl
import subprocess
import sys
import types
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from sudomimus_bridge._service import certificates
from sudomimus_bridge._service import exchange as exchange_module
from sudomimus_bridge._service.answers import Trouble
from sudomimus_bridge._service.certificates import tls_context
from sudomimus_bridge._service.replies import Failed
from sudomimus_bridge._values.errors import ConfigurationError, system_words

from ..service.test_exchange import OK, answer, certificate, exchanged, server, tls_of

__all__ = ["certificate"]


def rehashed(certificate: Path, folder: Path) -> Path:
    """A folder of certificates, as `openssl rehash` makes it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the program openssl, which names the files of a folder, is needed")
    command = [openssl, "x509", "-hash", "-noout", "-in", str(certificate)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    folder.mkdir()
    (folder / f"{name}.0").write_bytes(certificate.read_bytes())
    return folder


def test_ssl_cert_dir_is_a_list_of_folders(
    certificate: Path, backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, empty = rehashed(certificate, tmp_path / "trusted"), tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(["", str(tmp_path / "none"), str(empty), str(folder)]))
    with server(answer(OK), tls=tls_of(certificate)) as (url, _):
        assert exchanged(url, backend).status == 200


WITHOUT = [
    *("none.pem", "empty", "empty.pem", "garbage.pem", "key.pem", "/dev/null", "/dev/zero", "x" * 5000, "\udcff", "~"),
    *("hashed", os.pathsep, os.pathsep.join(["none", "empty", "hashed"])),
]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.parametrize("value", WITHOUT, ids=range(len(WITHOUT)))
def test_certificate_variable_without_a_certificate_is_named(
    variable: str, value: str, certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in ("empty", "hashed"):
        (tmp_path / folder).mkdir()
    (tmp_path / "empty.pem").touch()
    (tmp_path / "garbage.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\xff" * 50)
    (tmp_path / "hashed" / "0123abcd.0").write_bytes((tmp_path / "garbage.pem").read_bytes())
    key = certificate.read_text().partition("-----BEGIN PRIVATE KEY-----")
    (tmp_path / "key.pem").write_text(key[1] + key[2])
    monkeypatch.setenv(variable, value)
    for secure in (True, False):
        with pytest.raises(ConfigurationError, match=f"{variable} names .*, which "):
            tls_context(secure=secure)
    if variable == "SSL_CERT_FILE":
        monkeypatch.setenv("SSL_CERT_DIR", str(rehashed(certificate, tmp_path / "trusted")))
    else:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert tls_context().verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("value", ["/", "/none/keys", "x" * 5000, "/dev/null/keys"])
def test_key_log_that_cannot_be_written_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", value)
    with pytest.raises(ConfigurationError, match=r"SSLKEYLOGFILE must name a file that can be written"):
        tls_context()


def refused_by_windows(*_: object) -> NoReturn:
    raise OSError("a certificate store that cannot be read")


@pytest.mark.parametrize("kind", ["no __file__", "None", "a folder of the game's", "broken", "garbage"])
def test_unusable_certifi_does_not_affect_the_systems_certificates(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certifi = types.ModuleType("certifi")
    if kind == "None":
        certifi.__file__ = None
    if kind == "garbage":
        (tmp_path / "cacert.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" * 2)
        certifi.__file__ = str(tmp_path / "__init__.py")
    if kind in ("no __file__", "None"):
        certifi.contents = lambda: "-----BEGIN CERTIFICATE-----\r\n"  # type: ignore[attr-defined]
    if kind == "broken":
        (tmp_path / "certifi.py").write_text("raise SystemError('broken')")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "certifi", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "certifi", certifi)
    certificates._context.cache_clear()
    try:
        assert tls_context().verify_mode is ssl.CERT_REQUIRED
        monkeypatch.setattr(ssl.SSLContext, "load_default_certs", refused_by_windows)
        certificates._context.cache_clear()
        with pytest.raises(ConfigurationError, match="Install certifi"):
            tls_context()
    finally:
        certificates._context.cache_clear()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_certifi_without_a_file_gives_its_certificates_as_text(
    end: str, certificate: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    certifi = types.ModuleType("certifi")
    certifi.contents = lambda: certificate.read_text().replace("\n", end)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "certifi", certifi)
    certificates._context.cache_clear()
    try:
        with server(answer(OK), tls=tls_of(certificate)) as (url, _):
            assert exchanged(url, backend).status == 200
    finally:
        certificates._context.cache_clear()


def test_untrusted_certificate_names_the_variable_with_the_trusted_ones(
    certificate: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import certifi

    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    with server(answer(OK), tls=tls_of(certificate)) as (url, _):
        reply = exchanged(url, backend)
    assert isinstance(reply, Failed)
    assert reply.trouble is Trouble.CERTIFICATE
    assert "(by the certificates of SSL_CERT_FILE)" in reply.detail


def test_detail_of_a_tls_failure_has_openssls_words(backend: str) -> None:
    def speak_plainly(connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(speak_plainly) as (url, _):
        reply = exchanged(url.replace("http:", "https:"), backend)
    assert isinstance(reply, Failed)
    assert (reply.trouble, reply.unsent) == (Trouble.UNREADABLE, True)
    assert reply.detail in ("ConnectError: wrong version number", "ConnectError: record layer failure")


def test_words_of_an_error_are_those_of_the_system_or_openssl() -> None:
    several = httpx.ConnectError("all failed")
    several.__cause__ = OSError("all failed")
    several.__cause__.__cause__ = ExceptionGroup(
        "several", [ConnectionRefusedError(errno.ECONNREFUSED, "Connect call")]
    )
    assert exchange_module._failed(several).detail == "ConnectError: Connection refused"
    nameless = httpx.ConnectError("no address")
    nameless.__cause__ = socket.gaierror(8, "nodename nor servname provided, or not known")  # macOS's number
    assert exchange_module._failed(nameless).detail == "ConnectError: nodename nor servname provided, or not known"
    assert system_words(PermissionError(errno.EPERM, "Operation not permitted")) == "Operation not permitted"
    assert system_words(OSError("something")) == "OSError"
    assert system_words(ssl.SSLError(1, "[SSL] unknown")) == "[SSL] unknown"


@pytest.mark.parametrize("there", [True, False])
def test_certificate_file_frozen_with_the_game_is_ignored(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cx_Freeze sets the variable to a file in the game, which it may have left out."""
    file = tmp_path / "share" / "certs.pem"
    if there:
        file.parent.mkdir()
        file.write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    usual = certificates.tls_context().cert_store_stats()["x509_ca"]
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ConfigurationError):  # chosen by the player
        certificates.tls_context()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    certificates._context.cache_clear()
    try:
        assert certificates.tls_context().cert_store_stats()["x509_ca"] == usual > 0
        assert certificates.certificate_source() is None
    finally:
        certificates._context.cache_clear()
