"""Which addresses a company may name, and to which machines we really connect.

Owns the two checks. The first reads a URL's text when it is saved and once more when it is used.
The second decides about the address a name led to, the moment before the connection, because a
name may lead elsewhere by then. Makes no connection and asks no name server.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from webhooks.outbound.base import RefusedAddressError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# Whatever ends in a number is an IPv4 address in one of its many spellings (decimal, octal, hex).
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
_INSIDE = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".intranet", ".corp")

_CLOSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_CLOSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL points, by its text."""

    is_tls: bool
    host: str
    """Lower case, ASCII, without brackets."""
    port: int
    path: str
    """With the query; what the request line carries."""

    @property
    def host_header(self) -> str:
        """Host as the request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def read_target(url: str) -> Target:
    """Return where a URL points.

    Raises:
        RefusedAddressError: it is not one we send to; the code says why.
    """
    # White space and control characters would end the request line; a backslash is a slash to some.
    if not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise RefusedAddressError("url_not_plain")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedAddressError("url_not_readable") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RefusedAddressError("url_not_https")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise RefusedAddressError("url_with_login")
    if parts.fragment or url.endswith("#"):
        raise RefusedAddressError("url_with_fragment")
    # A dot at the end names the same host to the name server and another one to a certificate.
    host = parts.hostname.lower().removesuffix(".")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(is_tls, host, port if port is not None else (443 if is_tls else 80), path)
    _check_host(host)
    if _is_loopback_name(host) and settings.WEBHOOK_ALLOW_LOOPBACK:
        return target
    if not is_tls:
        raise RefusedAddressError("url_not_https")
    if target.port not in settings.WEBHOOK_PORTS:
        raise RefusedAddressError("port_not_open")
    if host == "localhost" or host.endswith(_INSIDE) or ("." not in host and ":" not in host):
        raise RefusedAddressError("host_not_public")
    literal = _literal(host)
    if literal is not None and not is_public(literal):
        raise RefusedAddressError("address_not_public")
    return target


def is_public(address: IpAddress) -> bool:
    """Tell whether an address is one of the public internet, whatever it is wrapped in.

    What stands for an IPv4 address is judged by that: mapped (``::ffff:0:0/96``) and NAT64
    (``64:ff9b::/96``) ones. 6to4, Teredo and whatever is not unicast of everybody is refused.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if address.sixtofour is not None or address.teredo is not None:
            return False
        closed: tuple[ipaddress.IPv4Network, ...] | tuple[ipaddress.IPv6Network, ...] = _CLOSED_V6
    else:
        closed = _CLOSED_V4
    return address.is_global and not any(address in network for network in closed)


def check_connectable(address: IpAddress, *, host: str) -> None:
    """Refuse to connect to an address a name led to, unless it is public.

    With WEBHOOK_ALLOW_LOOPBACK this machine's own loopback addresses are let through as well, for
    a URL that says so by its host.

    Raises:
        RefusedAddressError: the connection must not be made.
    """
    if (
        settings.WEBHOOK_ALLOW_LOOPBACK
        and address.is_loopback
        and (_is_loopback_name(host) or _literal(host) == address)
    ):
        return
    if not is_public(address):
        raise RefusedAddressError("address_not_public")


def _is_loopback_name(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_host(host: str) -> None:
    literal = _literal(host)
    if literal is not None:
        return
    if _NUMERIC_END.fullmatch(host) or ":" in host:
        raise RefusedAddressError("host_is_a_number")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise RefusedAddressError("url_not_readable")
