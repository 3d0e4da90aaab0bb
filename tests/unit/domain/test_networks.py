"""What counts as one caller's address: each spelling of it, and each neighbour in its network."""

import pytest

from auth_tokens.domain.networks import network_of, site_of

IPV4 = [
    "192.0.2.7",
    " 192.0.2.7\t",
    "192.0.2.7:65535",
    "::ffff:192.0.2.7",
    "::FFFF:c000:0207",
    "[::ffff:192.0.2.7]:443",
]
IPV6 = [
    "2001:db8:1:2:3:4:5:6",
    "2001:DB8:1:2::",
    "2001:0db8:0001:0002:ffff:ffff:ffff:ffff",
    "[2001:db8:1:2::1]",
    "[2001:db8:1:2::1]:443",
    "2001:db8:1:2::1%eth0",
    "[2001:db8:1:2::1%25en0]:80",
    " 2001:db8:1:2::1 ",
]
JUNK = [
    "",
    " ",
    "unknown",
    "localhost",
    "192.0.2",
    "192.0.2.256",
    "192.0.2.07",
    "192.0.2.7:",
    "192.0.2.7:port",
    "192.0.2.7/24",
    "2001:db8::1::2",
    "[2001:db8::1",
    "2001:db8::1]",
    "[]:443",
    "3221226503",
    "0xc0000207",
    "١٩٢.0.2.7",
    "192.0.2.7, 192.0.2.8",
    "192.0.2.7\0",
    ":" * 10_000,
    "1" * 10_000,
]


@pytest.mark.parametrize("text", IPV4)
def test_an_ipv4_address_counts_by_itself_however_it_is_spelt(text: str) -> None:
    assert network_of(text) == site_of(text) == "192.0.2.7"


@pytest.mark.parametrize("text", IPV6)
def test_an_ipv6_address_counts_by_its_64_and_more_loosely_by_its_48(text: str) -> None:
    assert network_of(text) == "2001:db8:1:2::/64"
    assert site_of(text) == "2001:db8:1::/48"


@pytest.mark.parametrize("text", JUNK)
def test_what_is_no_address_counts_as_one(text: str) -> None:
    assert network_of(text) == site_of(text) == ""


@pytest.mark.parametrize(
    ("one", "other", "is_one_network", "is_one_site"),
    [
        ("192.0.2.7", "192.0.2.8", False, False),
        ("2001:db8:1:2::", "2001:db8:1:2:ffff:ffff:ffff:ffff", True, True),
        ("2001:db8:1:2::", "2001:db8:1:3::", False, True),
        ("2001:db8:1:ffff::", "2001:db8:2::", False, False),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False, False),
        ("fe80::1%eth0", "fe80::2%eth1", True, True),
    ],
    ids=["next IPv4", "ends of a /64", "next /64", "next /48", "mapped IPv4", "zones"],
)
def test_the_edges_of_a_network(one: str, other: str, is_one_network: bool, is_one_site: bool) -> None:
    assert (network_of(one) == network_of(other)) == is_one_network
    assert (site_of(one) == site_of(other)) == is_one_site
