# ruff: noqa: RUF001, S104 - the confusing characters and the special addresses are the matter here
"""Spellings of hosts and addresses by which somebody might lead the notifier to where nobody should be led."""

from __future__ import annotations

from typing import Final

ADDRESSES: Final = {
    "unspecified": ["0.0.0.0", "0.0.0.1", "0.255.255.255", "::"],
    "loopback": ["127.0.0.1", "127.0.0.2", "127.1.1.1", "127.127.127.127", "127.255.255.255", "::1"],
    "private": [
        *("10.0.0.0", "10.0.0.1", "10.255.255.255", "172.16.0.0", "172.16.0.1", "172.20.10.1", "172.31.255.255"),
        *("192.168.0.0", "192.168.0.1", "192.168.1.254", "192.168.255.255"),
        *("fc00::", "fc00::1", "fd00::1", "fd00:ec2::254", "fd20:ce::254", "fdff:ffff::1"),
    ],
    "shared": ["100.64.0.0", "100.64.0.1", "100.100.100.200", "100.127.255.255"],
    "link_local": [
        *("169.254.0.0", "169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.255.255"),
        *("fe80::", "fe80::1", "fe80::a9fe:a9fe", "febf::1", "fe80::1%eth0", "fe80::1%1", "2606:4700::1111%eth0"),
    ],
    "metadata": ["168.63.129.16"],
    "protocol": [
        *("192.0.0.0", "192.0.0.1", "192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.0.192", "192.0.0.255"),
        *("192.88.99.0", "192.88.99.1"),
        # Teredo, with 127.0.0.1, 10.0.0.1 and 169.254.169.254 as the client's address; benchmarks; ORCHID.
        *("2001::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:4136:e378:8000:63bf:f5ff:fffe"),
        *("2001:0:4136:e378:8000:63bf:5601:5601", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1::1"),
    ],
    "benchmark": ["198.18.0.0", "198.18.0.1", "198.19.255.255"],
    "documentation": [
        *("192.0.2.0", "192.0.2.1", "198.51.100.7", "203.0.113.255"),
        *("2001:db8::1", "2001:db8:ffff::1", "3fff::1", "3fff:fff::1"),
    ],
    "multicast": [
        *("224.0.0.0", "224.0.0.1", "239.255.255.250", "239.255.255.255"),
        *("ff00::", "ff01::1", "ff02::1", "ff02::2", "ff05::2", "ff0e::1"),
    ],
    "reserved": [
        *("240.0.0.0", "240.0.0.1", "255.255.255.254", "255.255.255.255"),
        # A discard address, site-local addresses of old, SRv6, and what nobody has been given.
        *("100::1", "fec0::1", "5f00::1", "4000::1", "8000::1", "200::1", "400::7f00:1", "fb00::1"),
    ],
    "translation": [
        # IPv4 addresses in IPv6 addresses: compatible, mapped, translated.
        *("::127.0.0.1", "::10.0.0.1", "::a9fe:a9fe", "::8.8.8.8", "::2"),
        *("::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:192.168.0.1", "::ffff:169.254.169.254"),
        *("::ffff:a9fe:a9fe", "::ffff:0.0.0.0", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::ffff:0:a9fe:a9fe"),
        *("64:ff9b:1::7f00:1", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:ffff::8.8.8.8"),
        # 6to4, of 127.0.0.1, 10.0.0.1, 169.254.169.254, 192.168.0.1 and an ordinary address.
        *("2002:7f00:1::", "2002:7f00:1::1", "2002:a00:1::1", "2002:a9fe:a9fe::1", "2002:c0a8:1::1", "2002:808:808::1"),
    ],
}
"""Addresses as a resolver may give them, by the reason for which each is refused."""

THROUGH_NAT64: Final = {
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::127.0.0.1": "loopback",
    "64:ff9b::a00:1": "private",
    "64:ff9b::c0a8:101": "private",
    "64:ff9b::ac10:1": "private",
    "64:ff9b::a9fe:a9fe": "link_local",
    "64:ff9b::6440:1": "shared",
    "64:ff9b::0": "unspecified",
    "64:ff9b::a83f:8110": "metadata",
    "64:ff9b::e000:1": "multicast",
    "64:ff9b::ffff:ffff": "reserved",
}
"""Addresses that a translator of the network turns into an IPv4 address."""

NO_ADDRESSES: Final = [
    *("", " ", "localhost", "127.1", "127.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1"),
    *("127.0.0.01", "127.000.000.001", "127.0.0.1 ", " 127.0.0.1", "127.0.0.1.", "127.0.0.1\n", "127.0.0.1\x00"),
    *(
        "[::1]",
        "::1]",
        "[127.0.0.1]",
        "::ffff:127.1",
        "::1/128",
        "127.0.0.1/8",
        "127.0.0.1:80",
        "１２７.0.0.1",
        "①②⑦.⓪.⓪.①",
    ),
    *("8.8.8.8@127.0.0.1", "1.1.1.1#127.0.0.1", "256.256.256.256", "1.2.3", "1.2.3.4.5", "0", "1", "-1", "::%"),
]
"""What is no address, in whatever way a library might read it."""

HOSTS: Final = [
    # Numbers, of which many libraries make 127.0.0.1, 10.0.0.1 or 169.254.169.254.
    *("2130706433", "0x7f000001", "0x7F000001", "017700000001", "0x7f.0x0.0x0.0x1", "0x7f.1", "127.1", "127.0.1", "0"),
    *("0x0", "00", "0.0", "0177.0.0.1", "0177.0.0.01", "127.0.0.01", "127.00.0.1", "0x7f.0.0.1", "127.0.0x0.1"),
    *("2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "169.254.43518", "169.16689662"),
    *("169.0xfea9fe", "025177524776", "167772161", "0xa000001", "012.0.0.1", "10.1", "4294967295", "4294967297"),
    *("256.256.256.256", "1.2.3.4.5", "1.2.3.4.", "127.0.0.1.", "127..0.0.1", ".127.0.0.1", "127.0.0.1..", "1.2.3"),
    # Other digits and letters that Unicode takes for these.
    *(
        "①②⑦.⓪.⓪.①",
        "１２７.0.0.1",
        "127。0。0。1",
        "127．0．0．1",
        "127｡0｡0｡1",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "ｌｏｃａｌｈｏｓｔ",
        "localhoſt",
    ),
    *("lo\u200bcalhost", "lo\u00adcalhost", "127.0.0.\u0661", "bücher.example", "example。com", "xn--.127.0.0.1"),
    # Brackets.
    *("[::1", "::1", "::1]", "[[::1]]", "[127.0.0.1]", "[localhost]", "[::1%eth0]", "[::1%25eth0]", "[fe80::1%251]"),
    *("[::1]x", "x[::1]", "[::1].example", "[::ffff:127.1]", "[::ffff:0x7f.0.0.1]", "[:::1]", "[1::2::3]", "[]"),
    *("[v1.::1]", "[::1 ]", "[0:0:0:0:0:0:0:0:1]", "[::g]"),
    # Something before or behind the host.
    *("user@127.0.0.1", "user:password@example.com", "example.com@127.0.0.1", "127.0.0.1@example.com", "@example.com"),
    *("example.com:80@127.0.0.1", "example.com\\@127.0.0.1", "127.0.0.1\\.example.com", "\\127.0.0.1", "127.0.0.1\\"),
    *("example.com%00.127.0.0.1", "127.0.0.1%00", "127.0.0.1%20", "127.0.0.1%2f", "%31%32%37.0.0.1", "%6cocalhost"),
    *(
        "127%2e0%2e0%2e1",
        "example.com%40127.0.0.1",
        "example.com%23",
        "exam\tple.com",
        "exam\nple.com",
        "exam\rple.com",
    ),
    *("example.com\r\nHost: 127.0.0.1", "example.com\x00", "\x7f", " example.com", "example.com ", "exam ple.com"),
    # Ports.
    *("example.com:", "example.com:0", "example.com:00", "example.com:080", "example.com:65536", "example.com:99999"),
    *(
        "example.com:-1",
        "example.com:+80",
        "example.com:80:80",
        "example.com:http",
        "example.com:8o",
        "example.com:８０",
    ),
    *("example.com:80\t", ":80", "[::1]:", "[::1]:65536", "[::1]80"),
    # No names in the DNS.
    *("", ".", "..", "-", "-a", "a-", "a..b", ".a", "a.", "example.com.", "localhost.", "a.-b", "a.b-", "_", "a._b"),
    *("a" * 64, f"{'a.' * 127}ab", "a,b", "a;b", "a'b", "a(b)", "a*b", "*", "a!b", "a$b", "a&b", "a=b", "a+b", "a~b"),
    *("{a}", "<a>", "a|b", "a^b", "`a`", '"a"', "a%b", "example.1", "example.0x7f", "a.0", "localhost.127"),
]
"""What may stand in a URL in the place of the host, and is refused there."""

URLS: Final = [
    *("", " ", "example.com", "//example.com", "/hooks", "https:", "https:/", "https:///", "https:///example.com"),
    *("https:example.com", "https:/example.com", "https:\\\\example.com", "https:/\\example.com", "http:https://a.b"),
    *(" https://example.com", "https://example.com ", "\thttps://example.com", "ht\ntps://example.com", "https ://a.b"),
    *("HTTPS://example.com", "Https://example.com", "httpſ://example.com", "httpss://a.b", "https+unix://a.b"),
    *("file:///etc/passwd", "ftp://a.b", "gopher://127.0.0.1:6379/_PING", "dict://127.0.0.1:11211/", "ldap://a.b"),
    *("unix:///run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/", "data:text/plain,a", "javascript:alert(1)"),
    *("jar:https://a.b!/", "netdoc:///etc/passwd", "ws://a.b", "wss://a.b", "tftp://127.0.0.1:69/a", "about:blank"),
    *("https://example.com#@127.0.0.1/", "https://example.com/#", "https://example.com/a#b", "https://#.example.com"),
    *(
        "https://example.com?@127.0.0.1/\n",
        "https://example.com/a b",
        "https://example.com/ä",
        "https://example.com/\\",
    ),
    *(
        "https://example.com/\r\nx: y",
        "https://example.com/\x00",
        "https://example.com/{a}",
        "https://example.com/" + "a" * 2048,
    ),
]
"""URLs that are refused as a whole."""
