"""Specifies `doctor`: all checks pass, or one thing is wrong."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sudomimus_bridge._cli.doctor import _proxy
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import compiled_stub

from ..conftest import StubLog
from ..helpers.patience import kept
from ..helpers.service_helpers import ACCESS_KEY
from .test_program import Ended, Here, Program, on_stub

NAMES = [
    "application",
    "steam-app-id",
    "steam-library",
    "steam-exports",
    "steam-running",
    "steam-app",
    "steam-logged-on",
    "steam-ticket",
    "proxy",
    "service",
    "certificates",
    "clock",
    "browser",
]


REMOTE = {"native_url": "https://native-api.sudomimus.com"}


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    for program in on_stub(emulator, stub_library, stub_log):
        program.environ["BROWSER"] = "true %s"
        yield program


@pytest.fixture
def here(program: Program, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    return Here(program, monkeypatch, capfd)


def checks(ended: Ended) -> dict[str, dict[str, Any]]:
    """The report. Its shape is checked."""
    assert list(ended.json) == ["checks"]
    for check in ended.json["checks"]:
        assert list(check) == ["name", "ok", "status", "detail", "fix"]
        assert check["status"] in ("ok", "warning", "failed", "skipped")
        assert check["ok"] is (check["status"] in ("ok", "warning"))
        assert isinstance(check["name"], str) and isinstance(check["ok"], bool) and check["detail"]
        if not check["ok"]:
            assert check["fix"] and check["fix"] not in check["detail"] and check["detail"] not in check["fix"]
    found = {check["name"]: check for check in ended.json["checks"]}
    assert sorted(found) == sorted(NAMES) and len(ended.json["checks"]) == len(NAMES)
    return found


def failing(found: dict[str, dict[str, Any]]) -> list[str]:
    """The failed checks. Each skipped check names one of them."""
    failed = [name for name, check in found.items() if check["status"] == "failed"]
    skipped = [check["detail"] for check in found.values() if check["status"] == "skipped"]
    assert all(detail.removeprefix("skipped: needs ") in failed for detail in skipped)
    return failed


def test_all_checks_pass(program: Program) -> None:
    program.environ["STEAM_STUB_CHATTER"] = "1"
    ended = program.run("doctor", "--json")
    found = checks(ended)
    assert ended.status == 0 and failing(found) == []
    assert all(check["fix"] is None and check["status"] == "ok" for check in found.values())
    assert list(found) == NAMES
    program.every_ticket_was_cancelled_once(1)
    assert [(entry.method, entry.path) for entry in program.emulator.requests] == [("GET", "/health")]


def test_text_report_has_a_line_for_each_check(program: Program) -> None:
    ended = program.run("doctor")
    assert ended.status == 0
    assert [line.split()[:2] for line in ended.out.splitlines()] == [["ok", name] for name in NAMES]
    assert "\033" not in ended.out
    program.environ |= {"STEAM_STUB_RUNNING": "0"}
    ended = program.run("doctor")
    assert ended.status == 3
    assert "fail steam-running    Steam is not running" in ended.out
    assert "\n                      Start Steam, sign in, then try again.\n" in ended.out
    assert "skip steam-ticket     needs steam-running\n" in ended.out


@pytest.mark.parametrize(
    ("environ", "flags", "status", "failed", "detail", "fix"),
    [
        ({}, {"application": None}, 2, "application", "No application is set", "Pass --application ANCHOR"),
        ({}, {"steam_app_id": None}, 2, "steam-app-id", "No Steam app id is set", "Pass --steam-app-id"),
        ({"SteamAppId": "x"}, {"steam_app_id": None}, 2, "steam-app-id", "SteamAppId must be", "Correct that"),
        (
            {},
            {"steam_library": "none.so"},
            3,
            "steam-library",
            "There is no Steam library at",
            "Set steam_library to the path",
        ),
        ({}, {"steam_library": __file__}, 3, "steam-exports", "is no program library", "Use that platform's"),
        ({}, {"steam_library": "sdk-156"}, 3, "steam-exports", "is too old", "of SDK 1.57 or later"),
        ({"STEAM_STUB_RUNNING": "0"}, {}, 3, "steam-running", "Steam is not running", "Start Steam"),
        ({"STEAM_STUB_INIT": "3"}, {}, 3, "steam-running", "Steam is too old for this game", "Let Steam update"),
        ({"STEAM_STUB_TICKET_RESULT": "15"}, {}, 3, "steam-ticket", "Steam refused the sign-in", "Check that"),
        ({}, {"native_url": "http://127.0.0.1:9"}, 6, "service", "refused", "Check the internet"),
        ({}, {"native_url": "https://no-such-host.invalid"}, 6, "service", "no-such-host.invalid", "Check the int"),
        ({"SSL_CERT_FILE": "none.pem"}, {}, 2, "certificates", "which does not exist", "Correct it, or unset it"),
        (
            {"SSL_CERT_DIR": "."},
            {},
            2,
            "certificates",
            "SSL_CERT_DIR names ., which holds no",
            "Correct it, or unset it",
        ),
        (
            {"HTTPS_PROXY": "http://[bad"},
            REMOTE,
            2,
            "proxy",
            "HTTPS_PROXY must be the address of a proxy",
            "In its user",
        ),
        ({"HTTPS_PROXY": "me:topsecret#@h:1"}, REMOTE, 2, "proxy", "HTTPS_PROXY must be the address", "In its user"),
        (
            {"HTTPS_PROXY": "http://me:topsecret@127.0.0.1:9"},
            REMOTE,
            6,
            "service",
            "through the proxy 127.0.0.1:9 (HTTPS_PROXY)",
            "Check the internet",
        ),
    ],
)
def test_failing_check(
    program: Program,
    here: Here,
    environ: dict[str, str],
    flags: dict[str, str | None],
    status: int,
    failed: str,
    detail: str,
    fix: str,
) -> None:
    if flags.get("steam_library") == "sdk-156":
        flags = {"steam_library": str(compiled_stub(156))}
    program.environ |= environ
    ended = here.run("doctor", "--json", **flags)
    found = checks(ended)
    assert (ended.status, failing(found)) == (status, [failed])
    assert (detail in found[failed]["detail"] and found[failed]["fix"].startswith(fix)) or fix in found[failed]["fix"]
    assert detail in found[failed]["detail"]


def test_steam_not_logged_on(program: Program) -> None:
    """Steam gives no ticket then, so the check of the ticket is skipped."""
    program.environ["STEAM_STUB_LOGGED_ON"] = "0"
    ended = program.run("doctor", "--json")
    found = checks(ended)
    assert (ended.status, failing(found)) == (3, ["steam-logged-on"])
    assert kept(ended.seconds, 5)


def test_exit_status_is_that_of_the_first_failed_check(program: Program) -> None:
    program.environ["STEAM_STUB_RUNNING"] = "0"
    ended = program.run("doctor", "--json", native_url="http://127.0.0.1:9")
    assert (ended.status, failing(checks(ended))) == (3, ["steam-running", "service"])
    ended = program.run("doctor", "--json", native_url="http://127.0.0.1:9", application=None)
    assert ended.status == 2


def test_service_is_down(program: Program) -> None:
    program.emulator.fault(path="/health", status=503)
    ended = program.run("doctor", "--json")
    found = checks(ended)
    assert (ended.status, failing(found)) == (6, ["service"])
    assert found["service"]["detail"] == "127.0.0.1 answered 503"


def test_missing_browser_is_a_warning(program: Program, tmp_path: Path) -> None:
    program.environ |= {"BROWSER": "", "PATH": str(tmp_path), "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    ended = program.run("doctor", "--json")
    found = checks(ended)
    assert ended.status == 0 and failing(found) == []
    assert {name for name, check in found.items() if check["status"] == "warning"} == {"browser"}
    assert found["browser"]["detail"].startswith("no browser") and "BROWSER" in found["browser"]["fix"]
    assert "warn browser          no browser was found" in program.run("doctor").out


# --- other servers ---------------------------------------------------------------------------------------------------


@contextmanager
def server(*, skew: float = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The URL of a server whose clock is `skew` seconds ahead."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(datetime.datetime.now().timestamp() + skew, usegmt=True)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        if tls is not None:
            httpd.socket = tls.wrap_socket(httpd.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()


@pytest.mark.parametrize(
    ("skew", "words"), [(3600, "60 minutes behind the service's"), (-7200, "120 minutes ahead of the service's")]
)
def test_wrong_clock(program: Program, skew: float, words: str) -> None:
    with server(skew=skew) as url:
        ended = program.run("doctor", "--json", native_url=url)
    found = checks(ended)
    assert (ended.status, failing(found)) == (2, ["clock"])
    assert words in found["clock"]["detail"] and "set the clock" in found["clock"]["fix"]


def test_clock_that_is_slightly_wrong_passes(program: Program) -> None:
    with server(skew=100) as url:
        assert program.run("doctor", "--json", native_url=url).status == 0


def certificate_for_loopback(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def test_untrusted_certificate(program: Program, tmp_path: Path) -> None:
    own_certificate = certificate_for_loopback(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own_certificate)
    with server(tls=tls) as url:
        ended = program.run("doctor", "--json", native_url=url)
        found = checks(ended)
        assert (ended.status, failing(found)) == (6, ["certificates"])
        assert found["service"]["ok"] and "self-signed" in found["certificates"]["detail"]
        assert "date and time" in found["certificates"]["fix"]
        login = program.run("login", "steam", "--json", native_url=url)
        assert (login.status, login.out) == (6, "") and "is not trusted" in login.error
        program.environ["SSL_CERT_FILE"] = str(own_certificate)
        assert program.run("doctor", "--json", native_url=url).status == 0
    assert urlsplit(url).scheme == "https"


@pytest.mark.parametrize(
    ("environ", "status", "detail"),
    [
        (
            {"HTTPS_PROXY": "http://me:topsecret@127.0.0.1:9"},
            "ok",
            "connections go through the proxy 127.0.0.1:9 (HTTPS_PROXY)",
        ),
        ({"all_proxy": "http://127.0.0.1:9"}, "ok", "connections go through the proxy 127.0.0.1:9 (all_proxy)"),
        ({"ALL_PROXY": "socks5://me:topsecret@127.0.0.1:9"}, "warning", "ALL_PROXY names a proxy that is not an HTTP"),
        ({"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "*"}, "ok", "no proxy is set: connections are direct"),
    ],
)
def test_proxy_check(environ: dict[str, str], status: str, detail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    check = _proxy("https://native-api.sudomimus.com")
    assert (check.status, check.detail[: len(detail)]) == (status, detail)
    assert "topsecret" not in str(check)
    assert _proxy("http://127.0.0.1:8000").detail == "no proxy is used for a loopback host"


def test_login_behind_a_broken_proxy_names_the_proxy(program: Program) -> None:
    identifier, secret = ACCESS_KEY
    program.environ |= {"SUDOMIMUS_ACCESS_KEY_ID": identifier, "SUDOMIMUS_ACCESS_KEY_SECRET": secret.reveal()}
    program.environ["HTTPS_PROXY"] = "http://me:topsecret@127.0.0.1:9"
    ended = program.run("login", "access-key", "--timeout", "1", native_url="https://native-api.sudomimus.com")
    assert ended.status == 6 and "topsecret" not in ended.err
    program.environ["HTTPS_PROXY"] = "http://me:topsecret#@[bad"
    ended = program.run("login", "steam", native_url="https://native-api.sudomimus.com")
    assert ended.status == 2 and "topsecret" not in ended.err
    assert "detail: HTTPS_PROXY must be the address of a proxy" in ended.error
