"""Hashes with their passwords, as the products and specifications publish them.

Where a product keeps its hashes in another spelling, the string here is what an import makes of them. The comment then
says how.
"""

from __future__ import annotations

import base64
from typing import Final, NamedTuple

from passwords import FirebaseKey


class Vector(NamedTuple):
    """A password, and a hash of it that somebody else has made."""

    password: str
    stored: str


def identity_v3(blob: str) -> str:
    """ASP.NET Core Identity's version 3 in the PHC string format.

    Its bytes: 1, then the number of the hash function, the iterations and the salt's length as four bytes each, the
    salt, and the derived key (`PasswordHasher.cs`). Of a key longer than the hash function's digest the first digest is
    taken.
    """
    raw = base64.b64decode(blob)
    function, rounds, size = (int.from_bytes(raw[place : place + 4], "big") for place in (1, 5, 9))
    name, longest = (("sha1", 20), ("sha256", 32), ("sha512", 64))[function]
    salt, key = raw[13 : 13 + size], raw[13 + size :][:longest]
    return f"$pbkdf2-{name}$i={rounds}${_base64(salt)}${_base64(key)}"


def identity_v2(blob: str) -> str:
    """ASP.NET Identity's version 2: 0, 16 bytes of salt, 32 bytes by PBKDF2 with SHA-1 and 1,000 iterations."""
    raw = base64.b64decode(blob)
    return f"$pbkdf2-sha1$i=1000${_base64(raw[1:17])}${_base64(raw[17:37])}"


def keycloak_pbkdf2(name: str, rounds: int, salt: str, value: str) -> str:
    """A credential of Keycloak, whose PBKDF2 with SHA-256 derived 64 bytes until version 21: the first 32 are kept."""
    key = base64.b64decode(value)[: 64 if name == "sha512" else 32]
    return f"$pbkdf2-{name}$i={rounds}${salt.rstrip('=')}${_base64(key)}"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


FIREBASE: Final = FirebaseKey(
    base64.b64decode("jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==")
)
"""The key of the example in https://github.com/firebase/scrypt."""

GOTRUE: Final = FirebaseKey(
    base64.b64decode("ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==")
)
"""The key in supabase/auth, internal/crypto/password_test.go."""

FIREBASE_VECTORS: Final = {
    "Firebase, README": (
        FIREBASE,
        Vector(
            "user1password",
            "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$42xEC+ixf3L2lw==$"
            "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        ),
    ),
    "Firebase, GoTrue": (
        GOTRUE,
        Vector(
            "mytestpassword",
            "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==$C0sHCg9ek77hsg==$"
            "zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==",
        ),
    ),
}
"""By product and source."""

_LONG: Final = "a very much longer text to encrypt.  This one even stretches over morethan one line."

VECTORS: Final = {
    # argon2: libargon2's src/test.c, of version 19 and of the first one.
    "libargon2, id": Vector(
        "password",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ),
    "libargon2, id, two lanes": Vector(
        "password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"
    ),
    "libargon2, i, no version": Vector(
        "password", "$argon2i$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs"
    ),
    "GoTrue, argon2i": Vector("test", "$argon2i$v=19$m=16,t=2,p=1$bGJRWThNOHJJTVBSdHl2dQ$NfEnUOuUpb7F2fQkgFUG4g"),
    "GoTrue, argon2id": Vector(
        "test", "$argon2id$v=19$m=32,t=3,p=2$SFVpOWJ0eXhjRzVkdGN1RQ$RXnb8rh7LaDcn07xsssqqulZYXOM/EUCEFMVcAcyYVk"
    ),
    # Django: tests/auth_tests/test_hashers.py, without the prefix `argon2`.
    "Django, argon2i, no version": Vector(
        "secret",
        "$argon2i$m=8,t=1,p=1$c29tZXNhbHQ$"
        "gwQOXSNhxiOxPOA0+PY10P9QFO4NAYysnqRt1GSQLE55m+2GYDt9FEjPMHhP2Cuf0nOEXXMocVrsJAtNSsKyfg",
    ),
    "Django, argon2id": Vector("secret", "$argon2id$v=19$m=102400,t=2,p=8$Y041dExhNkljRUUy$TMa6A8fPJhCAUXRhJXCXdw"),
    "Django, PBKDF2": Vector("lètmein", "pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c="),
    "Django, PBKDF2 with SHA-1": Vector("lètmein", "pbkdf2_sha1$390000$seasalt2$aDapRanzW8aHTz97v2TcfHzWD+I="),
    "Django, scrypt": Vector(
        "lètmein",
        "scrypt$16384$seasalt$8$1$"
        "Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==",
    ),
    "Django, SHA-1": Vector("lètmein", "sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8"),
    "Django, MD5": Vector("lètmein", "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3"),
    "Django, MD5 without salt": Vector("lètmein", "88a434c88cca4e900f7874cd98123f43"),
    "Django, MD5 without salt, named": Vector("lètmein", "md5$$88a434c88cca4e900f7874cd98123f43"),
    "Django, SHA-1 without salt": Vector("lètmein", "sha1$$6d138ca3ae545631b3abd71a4f076ce759c5700b"),
    # Django's bcrypt_sha256, in the tests of https://github.com/meehow/go-django-hashers.
    "Django, bcrypt_sha256": Vector(
        "admin", "bcrypt_sha256$$2b$12$WZK9cb9qKN.Q5LCYPq/gj.6gvry1b37HUsJER6KhQBnIWmPyyaaqi"
    ),
    # Laravel: its skeleton's UserFactory.
    "Laravel": Vector("password", "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi"),
    # bcrypt: the tests of Openwall's crypt_blowfish.
    "Openwall, bcrypt": Vector("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    "Openwall, bcrypt, 88 bytes": Vector(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
    ),
    # WordPress from 6.8 on, and phpass: hashcat's example hashes (modes 35500 and 400), phpass' test.php, passlib.
    "WordPress 6.8": Vector("hashcat", "$wp$2y$10$lzlQrRRhLSjz486bA9CKHuZRPoKz4uviT251Sq/r5OzKUBbrXwnQW"),
    "WordPress before 6.8": Vector("hashcat", "$P$984478476IagS59wHZvyQMArzfx58u."),
    "phpass": Vector("test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
    "phpBB": Vector("test1", "$H$9aaaaaSXBjgypwqm.JsMssPLiS8YQ00"),
    # ASP.NET Core Identity: src/Identity/test/Identity.Test/PasswordHasherTest.cs.
    "Identity 3": Vector(
        "my password",
        identity_v3("AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw=="),
    ),
    "Identity 3, longer than a digest": Vector(
        "my password",
        identity_v3(
            "AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ="
        ),
    ),
    "Identity 2": Vector(
        "my password", identity_v2("ANXrDknc7fGPpigibZXXZFMX4aoqz44JveK6jQuwY3eH/UyPhvr5xTPeGYEckLxz9A==")
    ),
    # Keycloak's credentials: cerberauth/iamigrate (pkg/hash/keycloak_test.go), espoon-voltti/evaka (PasswordTest.kt).
    "Keycloak, argon2": Vector(
        "secret",
        "$argon2id$v=19$m=7168,t=5,p=1$LRScGShC7shkdoU5B1UgUQ$xKjWvB9+0sSP6wTqI1JoEI7w+iA0x9VDhPgmrOHRG80",
    ),
    "Keycloak, PBKDF2, 64 bytes": Vector(
        "test123",
        keycloak_pbkdf2(
            "sha256",
            27500,
            "VUBELKb6poajPUjlaK1zCQ==",
            "9yUI9up7DA09THuasmN5Z9pN+X5GUvJZY3lnXZYNB/gsGBtL8PjHANnR/H1G3IhhipUr27sBNJ4eek7AMP5UBw==",
        ),
    ),
    "Keycloak, PBKDF2 with SHA-512": Vector(
        "testpassword",
        keycloak_pbkdf2(
            "sha512",
            210000,
            "IQU7tTvDbMtynBAFmSOrpA==",
            "x4QqNb57CHVDsuIM+UMaOeryY7WsOGhxPFzjhEQgoisZ2hrviOSvuokCIXFXHkvBF47BLXDj2MA/g4vUBMuJcw==",
        ),
    ),
    # Auth0 takes PBKDF2 in the PHC string format. This one was made from a hash of Gigya (SAP).
    "Auth0, PBKDF2": Vector("Test@123", "$pbkdf2-sha1$i=10000,l=20$wJuJqLoUFsdXa8k3sFhRlA$XMGVWTbeKf4Xd+CGiuEZde8x7QA"),
    # Magento 2: EncryptorTest.php for `hash:salt:0` and `:1`. Its argon2id takes 16 bytes of the salt's 32 characters.
    "Magento, version 0": Vector("password", "$digest$md5,b=c2FsdA$67a1e09bb1f83f5007dc119c14d663aa"),
    "Magento, version 1": Vector(
        "password", "$digest$sha256,b=c2FsdA$13601bda4ea78e55a07b98866d2be6be0744e3866f13c00c811cab608a28f322"
    ),
    "Magento, version 3": Vector(
        "Password@",
        "$argon2id$v=19$m=65536,t=2,p=1$NVBpS0pSbjI4YkJLb0ZNbw$q16/jSc7CFtqYDNhmOClogkP3D4GBqZ4MVxydKsG4EY",
    ),
    # sha-crypt: Drepper's specification.
    "sha256-crypt": Vector("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    "sha256-crypt, a long password": Vector(
        _LONG, "$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1"
    ),
    "sha256-crypt, a short salt": Vector(
        "we have a short salt string but not a short password",
        "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/",
    ),
    "sha512-crypt": Vector(
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
    "sha512-crypt, rounds": Vector(
        "Hello world!",
        "$6$rounds=10000$saltstringsaltst$"
        "OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
    ),
    # PBKDF2 and scrypt: RFC 6070, RFC 7914 (section 12), passlib's manual.
    "RFC 6070": Vector("password", "$pbkdf2-sha1$i=4096$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE"),
    "passlib, PBKDF2": Vector(
        "password", "$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44"
    ),
    "RFC 7914": Vector(
        "pleaseletmein",
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
        "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw",
    ),
    # passlib's bcrypt_sha256: hashcat's example hash (mode 30600), and CTFd's test of the first version.
    "passlib, bcrypt_sha256": Vector(
        "hashcat", "$bcrypt-sha256$v=2,t=2b,r=12$KSOjON/ciJR86a00N5q61.$AmWZucQuHk13FGkQWhgMeiFvBfm2GCy"
    ),
    "passlib, bcrypt_sha256, version 1": Vector(
        "asdf", "$bcrypt-sha256$2b,12$I0CNXRkGD2Bi/lbC4vZ7Y.$1WoilsadKpOjXa/be9x3dyu7p.mslZ6"
    ),
    # LDAP: passlib's manual.
    "LDAP, SSHA": Vector("password", "{SSHA}pKqkNr1tq3wtQqk+UcPyA3HnA2NsU5NJ"),
    "LDAP, SMD5": Vector("password", "{SMD5}jNoSMNY0cybfuBWiaGlFw3Mfi/U="),
    "LDAP, SHA": Vector("password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
    "LDAP, MD5": Vector("password", "{MD5}X03MO1qnZdYdgyfeuILPmQ=="),
}
"""By product or source."""
