"""Specifies the gate for pages: the URLs that it admits and refuses. Other URL parsers must agree on admitted ones."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudomimus_bridge._browser.gate import MAX_LENGTH, BrowserGate
from sudomimus_bridge._settings import is_browser_host
from sudomimus_bridge._values.errors import ServiceUnavailable
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge._values.urls import is_loopback

VIA = "https://via.sudomimus.com"
REMOTE = "https://native-api.sudomimus.com"
LOCAL = "http://127.0.0.1:8000"

gate = BrowserGate((), VIA)


@pytest.mark.parametrize(
    "url",
    [
        "https://via.sudomimus.com/errand?key=ernd_abc-_~.",
        "https://via.sudomimus.com",
        "https://via.sudomimus.com/",
        "https://via.sudomimus.com:443/x",
        "https://via.sudomimus.com?key=1#top",
        "HTTPS://Via.Sudomimus.COM/errand",
        "https://via.sudomimus.com/errand?next=https://elsewhere.example/@x",
        "https://via.sudomimus.com/%E2%82%AC",
    ],
)
def test_admitted_pages_of_the_service(url: str) -> None:
    assert gate.admit(Secret(url), service_url=REMOTE).reveal() == url


def test_host_may_have_several_entries() -> None:
    several = BrowserGate(("a.example:8443", "b.example", "a.example:9443", "b.example:8443"), VIA)
    for page in ("https://a.example:8443/", "https://a.example:9443/", "https://b.example/", "https://b.example:8443/"):
        assert several.admit(Secret(page), service_url=REMOTE)
    for page in ("https://a.example/", "https://a.example:7443/", "https://b.example:9443/"):
        with pytest.raises(ServiceUnavailable):
            several.admit(Secret(page), service_url=REMOTE)


HOSTILE = [
    # other schemes
    ("javascript:alert(1)", "not an https address"),
    ("file:///etc/passwd", "not an https address"),
    ("data:text/html,x", "not an https address"),
    ("steam://run/480", "not an https address"),
    ("ftp://via.sudomimus.com/", "not an https address"),
    ("http://via.sudomimus.com/errand", "not an https address"),
    ("//via.sudomimus.com/errand", "not an https address"),
    ("via.sudomimus.com/errand", "not an https address"),
    ("view-source:https://via.sudomimus.com/", "not an https address"),
    ("", "not an https address"),
    # URLs that the program that opens them may misread
    ("--version", "not an https address"),
    ("-https://via.sudomimus.com/", "not an https address"),
    ("https:/via.sudomimus.com/", "not an https address"),
    ("https:via.sudomimus.com/", "not an https address"),
    (" https://via.sudomimus.com/", "characters that an address must not contain"),
    ("https://via.sudomimus.com/ --new-window", "characters that an address must not contain"),
    ("https://via.sudomimus.com/\n", "characters that an address must not contain"),
    ("https://via.sudomimus.com/\r\nX: y", "characters that an address must not contain"),
    ("https://via.sudo\tmimus.com/", "characters that an address must not contain"),
    ("https://via.sudomimus.com/\x00", "characters that an address must not contain"),
    ("https://via.sudomimus.com/\x1b]0;x\x07", "characters that an address must not contain"),
    ("https://via.sudomimus.com\\@evil.example/", "characters that an address must not contain"),
    ("https:\\\\via.sudomimus.com/", "characters that an address must not contain"),
    ("https://via.sudomimus.com/\u202ecod.exe", "characters that an address must not contain"),
    ('https://via.sudomimus.com/"', "not a well-formed"),
    ("https://via.sudomimus.com/`id`", "not a well-formed"),
    ("https://via.sudomimus.com/<x>", "not a well-formed"),
    ("https://via.sudomimus.com/{x}|y^z", "not a well-formed"),
    # other hosts that look alike
    ("https://via.sudomimus.com.evil.example/", "is not allowed"),
    ("https://evilvia.sudomimus.com/", "is not allowed"),
    ("https://via-sudomimus.com/", "is not allowed"),
    ("https://sudomimus.com/", "is not allowed"),
    ("https://x.via.sudomimus.com/", "is not allowed"),
    ("https://via.sudomimus.com./", "is not allowed"),
    ("https://.via.sudomimus.com/", "is not allowed"),
    ("https://xn--va-mja.sudomimus.com/", "is not allowed"),
    ("https://v\u0456a.sudomimus.com/", "characters that an address must not contain"),
    ("https://via\u3002sudomimus.com/", "characters that an address must not contain"),
    ("https://via%2esudomimus.com/", "not a well-formed"),
    ("https://via.sudomimus.com%2f@evil.example/", "user name"),
    ("https://evil.example/https://via.sudomimus.com/", "is not allowed"),
    ("https://evil.example#via.sudomimus.com", "is not allowed"),
    ("https://evil.example?via.sudomimus.com", "is not allowed"),
    ("https:///via.sudomimus.com/", "not a well-formed"),
    ("https://", "not a well-formed"),
    # a user name
    ("https://via.sudomimus.com@evil.example/", "user name"),
    ("https://user:pass@via.sudomimus.com/", "user name"),
    ("https://@via.sudomimus.com/", "user name"),
    # ports
    ("https://via.sudomimus.com:444/", "via.sudomimus.com:444, is not allowed"),
    ("https://via.sudomimus.com:80/", "via.sudomimus.com:80, is not allowed"),
    ("https://via.sudomimus.com:0/", "not a port"),
    ("https://via.sudomimus.com:65536/", "not a port"),
    ("https://via.sudomimus.com:65979/", "not a port"),  # is 443 modulo 65536
    ("https://via.sudomimus.com:000443/", "not a well-formed"),
    ("https://via.sudomimus.com:/", "not a well-formed"),
    ("https://via.sudomimus.com:+443/", "not a well-formed"),
    ("https://via.sudomimus.com:443:443/", "not a well-formed"),
    ("https://via.sudomimus.com:４４３/", "characters that an address must not contain"),
    # addresses: a page on this machine needs a service on this machine
    ("http://127.0.0.1:8000/", "not an https address"),
    ("https://127.0.0.1/", "is not allowed"),
    ("https://localhost/", "is not allowed"),
    ("https://[::1]/", "is not allowed"),
    ("https://[fe80::1%25eth0]/", "not a well-formed"),
    ("https://[::ffff:127.0.0.1]/", "is not allowed"),
    ("https://[::1/", "not a well-formed"),
    ("https://[via.sudomimus.com]/", "not a well-formed"),
    ("https://2130706433/", "is not allowed"),
    ("https://0x7f.1/", "is not allowed"),
    # length
    (f"https://via.sudomimus.com/{'a' * MAX_LENGTH}", "longer than 4096"),
]


@pytest.mark.parametrize(("url", "why"), HOSTILE, ids=lambda value: ascii(value)[1:40])
def test_refused_pages_of_a_remote_service(url: str, why: str) -> None:
    with pytest.raises(ServiceUnavailable) as refused:
        gate.admit(Secret(url), service_url=REMOTE)
    assert why in str(refused.value.detail)
    assert refused.value.exit_status == 6 and refused.value.reason == "PageRefused"
    assert len(url) < 30 or url not in f"{refused.value.sentence} {refused.value.detail}"
    assert refused.value.sentence.isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/via/errand",
        "http://localhost:1/",
        "http://[::1]:9999/",
        "https://127.8.9.1/",
        "https://via.sudomimus.com/errand",
    ],
)
def test_loopback_page_of_a_loopback_service(url: str) -> None:
    assert gate.admit(Secret(url), service_url=LOCAL)


@pytest.mark.parametrize(
    "url",
    [
        "http://via.sudomimus.com/",
        "http://192.168.0.1/",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0.0.0.0/",
        "https://evil.example/",
        "http://user@127.0.0.1/",
        "file://127.0.0.1/etc/passwd",
    ],
)
def test_refused_pages_of_a_loopback_service(url: str) -> None:
    with pytest.raises(ServiceUnavailable):
        gate.admit(Secret(url), service_url=LOCAL)


@pytest.mark.parametrize(
    ("hosts", "url", "admitted"),
    [
        (["pages.example"], "https://pages.example/", True),
        (["pages.example"], "https://pages.example:8443/", False),
        (["pages.example:8443"], "https://pages.example:8443/", True),
        (["pages.example:8443"], "https://pages.example/", False),
        (["PAGES.example"], "https://pages.EXAMPLE/", True),
        (["a.example", "b.example"], "https://b.example/", True),
        (["pages.example"], f"{VIA}/errand", False),  # hosts of the setting replace the default
        (["pages.example"], "http://pages.example/", False),
        (["127.0.0.1"], "http://127.0.0.1:8000/", True),
        (["127.0.0.1:8000"], "http://127.0.0.1:8001/", False),
        (["127.0.0.1:80"], "http://127.0.0.1/", True),
        (["pages.example"], "http://127.0.0.1:8000/", False),
        (["[::1]:8000"], "http://[::1]:8000/", True),
        (["pages.example:1"], "https://pages.example:1/", True),
        (["pages.example:65535"], "https://pages.example:65535/", True),
    ],
)
def test_browser_hosts_replace_the_default(hosts: list[str], url: str, admitted: bool) -> None:
    chosen = BrowserGate(hosts, VIA)
    assert all(map(is_browser_host, hosts))
    if admitted:
        assert chosen.admit(Secret(url), service_url=LOCAL)
    else:
        with pytest.raises(ServiceUnavailable):
            chosen.admit(Secret(url), service_url=LOCAL)


def test_longest_page_is_admitted() -> None:
    page = f"{VIA}/".ljust(4096, "a")
    assert gate.admit(Secret(page), service_url=REMOTE).reveal() == page
    with pytest.raises(ServiceUnavailable, match="longer than 4096"):
        gate.admit(Secret(f"{page}a"), service_url=REMOTE)
    with pytest.raises(ServiceUnavailable, match="it is not a well-formed address"):
        gate.admit(Secret(f"{page[:-1]}^"), service_url=REMOTE)


def test_long_host_is_cut_in_the_error() -> None:
    host = "page." * 16 + "example"
    with pytest.raises(ServiceUnavailable, match=f"its host, {host[:80]}, is not"):
        gate.admit(Secret(f"https://{host}/"), service_url=REMOTE)
    with pytest.raises(ServiceUnavailable, match=f"its host, {host[:80]}:1, is not"):
        gate.admit(Secret(f"https://{host}:1/"), service_url=REMOTE)


def test_entry_that_is_no_host_admits_nothing() -> None:
    with pytest.raises(ServiceUnavailable, match="is not allowed"):
        BrowserGate(("no host",), VIA).admit(Secret(f"{VIA}/errand"), service_url=REMOTE)


def test_port_of_the_base_url_is_compared() -> None:
    chosen = BrowserGate((), "https://via.example:8443/base")
    assert chosen.admit(Secret("https://via.example:8443/errand"), service_url=REMOTE)
    with pytest.raises(ServiceUnavailable):
        chosen.admit(Secret("https://via.example/errand"), service_url=REMOTE)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.255.0.3", "::1", "[::1]"])
def test_loopback_hosts(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "127.0.0.1.example", "0.0.0.0", "127.1", "localhost.", "::", "fe80::1", "10.0.0.1"]
)
def test_hosts_that_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["", "a b", "https://a", "a/b", "a:0", "a:65536", "a:", "*.a", "é.example", "u@a"])
def test_malformed_hosts(host: str) -> None:
    assert not is_browser_host(host)


# --- other parsers read an admitted URL as the gate does --------------------------------------------------------------

_PIECES = st.sampled_from(
    [
        *(
            "https",
            "http",
            "HTTPS",
            "javascript",
            ":",
            "/",
            "//",
            "\\",
            "@",
            "?",
            "#",
            "%",
            "%2f",
            "%00",
            "&",
            "=",
            "-",
        ),
        *(
            "via.sudomimus.com",
            "VIA.sudomimus.com",
            ".",
            ":443",
            ":80",
            ":0443",
            ":8000",
            ":",
            "evil.example",
            "user:x@",
        ),
        *(
            "127.0.0.1",
            "localhost",
            "[::1]",
            "[",
            "]",
            "%25eth0",
            "xn--",
            "é",
            "。",
            "\t",
            "\n",
            "\r",
            " ",
            "\x00",
            ";",
        ),
    ]
)
_URLS = st.one_of(
    st.lists(_PIECES, max_size=10).map("".join),
    st.builds(
        lambda scheme, authority, rest: f"{scheme}://{authority}{rest}",
        st.sampled_from(["https", "http", "hTTps"]),
        st.lists(_PIECES, max_size=4).map("".join),
        st.one_of(st.text(max_size=20), st.lists(_PIECES, max_size=6).map("".join).map(lambda text: f"/{text}")),
    ),
)


@settings(max_examples=500)
@given(url=_URLS, service_url=st.sampled_from([REMOTE, LOCAL]))
@example(url="https://via.sudomimus.com:443/errand?key=1", service_url=REMOTE)
@example(url="http://[::1]:8000/errand", service_url=LOCAL)
@example(url="https://via.sudomimus.com?a=b/@evil.example", service_url=REMOTE)
@example(url="https://via.sudomimus.com:0443/", service_url=REMOTE)
@example(url="http://127.0.0.1:00080/", service_url=LOCAL)
@example(url="http://[::0001]/", service_url=LOCAL)
def test_url_parsers_agree_on_admitted_pages(url: str, service_url: str) -> None:
    try:
        admitted = gate.admit(Secret(url), service_url=service_url).reveal()
    except ServiceUnavailable as error:
        refusal = str(error)
        assert refusal.isprintable() and refusal.endswith("Please tell the game's makers.")
        return
    assert admitted == url
    here, there = urlsplit(url), httpx.URL(url)
    ports = {"https": 443, "http": 80}
    assert here.scheme == there.scheme
    assert here.hostname == there.host.strip("[]")
    assert (here.port or ports[here.scheme]) == (there.port or ports[there.scheme])
    assert not here.username and not there.userinfo
    allowed = here.hostname == "via.sudomimus.com" and here.scheme == "https" and here.port in (None, 443)
    assert allowed or (service_url == LOCAL and is_loopback(here.hostname or ""))
