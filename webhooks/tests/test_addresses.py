"""Where webhooks may go: by the text of an address, and by the machine a name really leads to."""

from __future__ import annotations

import ipaddress

import pytest

from webhooks.outbound.addresses import check_connectable, is_public, read_target
from webhooks.outbound.base import RefusedAddressError

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.8.8.8
169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1
192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.9 224.0.0.1
239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe ::ffff:0.0.0.0
64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::10.1.2.3 64:ff9b:1::8.8.8.8 64:ff9b:1::1
100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:db8::1 2002:7f00:1::
2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1
""".split()
PUBLIC = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.0.1 198.17.0.1
223.255.255.254 2606:4700:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8
""".split()


@pytest.mark.parametrize("text", PRIVATE)
def test_no_network_but_the_public_one_is_reached(text):
    address = ipaddress.ip_address(text)

    assert not is_public(address)
    with pytest.raises(RefusedAddressError) as refused:
        check_connectable(address, host="hooks.acme.test")
    assert refused.value.code == "address_not_public"


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_reached(text):
    check_connectable(ipaddress.ip_address(text), host="hooks.acme.test")


def test_an_address_with_a_zone_is_refused():
    assert not is_public(ipaddress.ip_address("2606:4700::1%eth0"))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.acme.test/", "url_not_https"),
        ("ftp://hooks.acme.test/", "url_not_https"),
        ("file:///etc/passwd", "url_not_https"),
        ("gopher://hooks.acme.test:6379/_x", "url_not_https"),
        ("//hooks.acme.test/", "url_not_https"),
        ("hooks.acme.test", "url_not_https"),
        ("https://", "url_not_https"),
        ("https:///path", "url_not_https"),
        ("https://user:word@hooks.acme.test/", "url_with_login"),
        ("https://hooks.acme.test@127.0.0.1/", "url_with_login"),
        ("https://@hooks.acme.test/", "url_with_login"),
        ("https://hooks.acme.test/#part", "url_with_fragment"),
        ("https://hooks.acme.test:80/", "port_not_open"),
        ("https://hooks.acme.test:22/", "port_not_open"),
        ("https://hooks.acme.test:6379/", "port_not_open"),
        ("https://hooks.acme.test:99999/", "url_not_readable"),
        ("https://hooks.acme.test:x/", "url_not_readable"),
        ("https://[::1/", "url_not_readable"),
        ("https://hooks..acme.test/", "url_not_readable"),
        ("https://-hooks.acme.test/", "url_not_readable"),
        ("https://%31%32%37.0.0.1/", "host_is_a_number"),
        ("https://%6cocalhost/", "url_not_readable"),
        ("https://hooks.acme.test/a b", "url_not_plain"),
        ("https://hooks.acme.test/\r\nX: 1", "url_not_plain"),
        ("https://hooks.acme.test\\@127.0.0.1/", "url_not_plain"),
        ("https://１２７.0.0.1/", "url_not_plain"),
        ("https://ⓛocalhost/", "url_not_plain"),
        ("https://localhost/", "host_not_public"),
        ("https://LOCALHOST./", "host_not_public"),
        ("https://db/", "host_not_public"),
        ("https://metadata.google.internal/", "host_not_public"),
        ("https://printer.local/", "host_not_public"),
        ("https://2130706433/", "host_is_a_number"),
        ("https://0x7f000001/", "host_is_a_number"),
        ("https://0x7f.1/", "host_is_a_number"),
        ("https://017700000001/", "host_is_a_number"),
        ("https://127.1/", "host_is_a_number"),
        ("https://127.0.0.0x1/", "host_is_a_number"),
        ("https://0177.0.0.1/", "host_is_a_number"),
        ("https://127.0.0.1/", "address_not_public"),
        ("https://127.0.0.1./", "address_not_public"),
        ("https://0.0.0.0/", "address_not_public"),
        ("https://169.254.169.254/latest/meta-data/", "address_not_public"),
        ("https://100.100.100.200/", "address_not_public"),
        ("https://[::1]/", "address_not_public"),
        ("https://[::]/", "address_not_public"),
        ("https://[::ffff:127.0.0.1]/", "address_not_public"),
        ("https://[64:ff9b::7f00:1]/", "address_not_public"),
        ("https://[fd00:ec2::254]/", "address_not_public"),
        ("https://[fe80::1%25eth0]/", "address_not_public"),
    ],
)
def test_an_address_is_refused_by_its_text(url, code):
    with pytest.raises(RefusedAddressError) as refused:
        read_target(url)

    assert refused.value.code == code


def test_an_ordinary_address_is_read():
    target = read_target("https://Hooks.Acme.test.:8443/parley?shop=1")

    assert (target.host, target.port, target.path, target.is_tls) == (
        "hooks.acme.test",
        8443,
        "/parley?shop=1",
        True,
    )
    assert target.host_header == "hooks.acme.test:8443"
    assert read_target("https://8.8.8.8").host_header == "8.8.8.8"
    assert read_target("https://[2606:4700::1]:8443/").host_header == "[2606:4700::1]:8443"


def test_a_developer_may_use_loopback_and_nothing_else_inside(settings):
    settings.WEBHOOK_ALLOW_LOOPBACK = True

    for url in ("http://localhost:9000/", "http://127.0.0.1:9000/", "http://[::1]:9000/"):
        target = read_target(url)
        assert target.port == 9000
    for url in ("http://10.0.0.1/", "https://10.0.0.1/", "http://hooks.acme.test/"):
        with pytest.raises(RefusedAddressError):
            read_target(url)
    check_connectable(ipaddress.ip_address("127.0.0.1"), host="localhost")
    # A public name that leads to loopback is no developer's.
    for host in ("hooks.acme.test", "10.0.0.1"):
        with pytest.raises(RefusedAddressError):
            check_connectable(ipaddress.ip_address("127.0.0.1"), host=host)
    with pytest.raises(RefusedAddressError):
        check_connectable(ipaddress.ip_address("10.0.0.1"), host="localhost")
