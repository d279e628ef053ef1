"""Where requests may go whose URLs clients gave: webhooks and copies (statement 275)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from tams.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Targets:
    """Which hosts may be reached: all public addresses, and what the deployment lists besides.

    A listed host may have any address; a listed network admits the addresses within it.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Targets:
        """Read a comma list of hosts, addresses and networks; raises `ValueError` for another."""
        hosts, networks = set(), []
        for item in filter(None, map(str.strip, text.split(","))):
            try:
                networks.append(ip_network(item))
            except ValueError:
                if "/" in item or ":" in item:
                    raise ValueError(f"{item} is no host, address or network") from None
                hosts.add(_plain(item))
        return cls(frozenset(hosts), tuple(networks))

    def trust(self, host: str) -> bool:
        """Whether this host is listed by its name."""
        return _plain(host) in self.hosts

    def admit(self, address: Address) -> bool:
        """Whether a connection to this address may be made, whatever name led there."""
        if any(address in network for network in self.networks):
            return True
        return all(map(_is_public, _meant(address)))

    def check(self, field: str, url: str) -> None:
        """Raise `Invalid` if the URL itself shows that no request may go there."""
        host = host_of(field, url)
        try:
            address = ip_address(host)
        except ValueError:
            if _plain(host) == "localhost" and not self.trust(host):
                raise Invalid(field, url, "it must not lead to this machine") from None
            return
        if not self.admit(address):
            raise Invalid(field, url, "it must have a public address, or one that is allowed here")


def host_of(field: str, url: str) -> str:
    """The host of an absolute http or https URL; raises `Invalid` for any other text."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Invalid(field, url, "it must be a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Invalid(field, url, "it must be a URL that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        # Not shown: it may be a secret.
        raise Invalid(field, "…", "it must not hold a user or password")
    if any(character <= " " or character == "\x7f" for character in url):
        raise Invalid(field, url, "it must not hold a space or control character")
    return host


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or (isinstance(address, IPv6Address) and address.is_site_local)
    )


def _meant(address: Address) -> Iterator[Address]:
    """The address, or the IPv4 addresses that are written within it."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        yield from filter(None, (address.sixtofour, *(address.teredo or ())))
