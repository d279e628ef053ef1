"""Where requests to URLs of clients may go."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tams.domain.targets import Targets
from tams.errors import Invalid

FORBIDDEN = (
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.1.2.3",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "100::1",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("address", FORBIDDEN)
def test_addresses_that_are_not_public_are_out_of_reach(address):
    assert not Targets().admit(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not(address):
    assert Targets().admit(ip_address(address))


def test_what_is_allowed_besides():
    targets = Targets.parse(" 10.1.0.0/16, Hooks.Internal ,::1,192.168.1.7")
    admitted = [
        address for address in (*FORBIDDEN, "10.1.255.1", "192.168.1.7")
        if targets.admit(ip_address(address))
    ]  # fmt: skip
    assert admitted == ["10.1.2.3", "::1", "10.1.255.1", "192.168.1.7"]
    assert targets.trust("hooks.internal.")
    assert not targets.trust("other.internal")


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "http://a", "[::1]", "a:80"])
def test_what_is_no_target_is_refused(text):
    with pytest.raises(ValueError, match="no host, address or network"):
        Targets.parse(text)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com", "file:///etc/passwd", "example.com", "http://", "", "http://[::1",
        "http://example.com:70000", "http://a b.example", "http://example.com/\n",
        *(f"https://[{each}]/" if ":" in each else f"http://{each}:80/" for each in FORBIDDEN),
        "http://localhost/", "http://LOCALHOST.:8000/",
    ],
)  # fmt: skip
def test_a_url_that_shows_it_is_refused(url):
    with pytest.raises(Invalid, match="url: it must"):
        Targets().check("url", url)


def test_credentials_in_a_url_are_refused_and_not_shown():
    with pytest.raises(Invalid, match="user or password") as refusal:
        Targets().check("url", "https://me:hidden@example.com")
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["http://example.com", "HTTPS://example.com:8443/a?b=c", "http://8.8.8.8/"]
)
def test_other_urls_pass(url):
    Targets().check("url", url)


def test_a_listed_host_passes():
    Targets.parse("localhost,127.0.0.1").check("url", "http://localhost:1")
    Targets.parse("127.0.0.1").check("url", "http://127.0.0.1:1")
