"""Which tokens are good, what a refusal tells client and operator, and how keys change while the shim runs."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.contract.service import CREATE, RESULT, an_email
from tests.support.key_server import KeyServer, a_key_server
from tests.support.requests import a_request, as_body
from tests.support.tokens import token
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.conftest import Environment, Starter
    from tests.contract.conftest import Serve
    from tests.contract.service import Service


def _failed(response: httpx.Response, status: int, error: str) -> bool:
    return (response.status_code, response.json()) == (status, {"ok": False, "error": error})


def _last_reason(service: Service) -> str | None:
    """The reason in the log line of the last request that was refused for its token."""
    lines = [json.loads(line) for line in service.shim.log().splitlines() if line.startswith("{")]
    reasons = [line["reason"] for line in lines if line["event"] == "request" and "reason" in line]
    return reasons[-1] if reasons else None


def _is_logged(service: Service, reason: str) -> None:
    wait_until(lambda: _last_reason(service) == reason, what=f"the log says {reason}")


@pytest.mark.parametrize("authorization", ["", "Basic dTpw", "Token x", "x" * 9000], ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("path", [CREATE, RESULT])
def test_without_a_token_the_answer_is_401_and_names_only_the_scheme(
    service: Service, path: str, authorization: str
) -> None:
    response = service.post(as_body(a_request()), {"authorization": authorization}, path=path)

    assert _failed(response, 401, "invalid_token")
    assert response.headers["www-authenticate"] == "Bearer"
    _is_logged(service, "missing")


_CLAIMS: Final[list[tuple[dict[str, Any], str, str]]] = [
    ({"exp": 1}, "expired", "The token has expired"),
    ({"exp": None}, "no_expiry", "The token lacks the claim exp"),
    ({"sub": ""}, "no_subject", "The token lacks a usable claim sub"),
    ({"sub": None}, "no_subject", "The token lacks a usable claim sub"),
    ({"nbf": 9999999999}, "not_yet_valid", "The token is not valid yet"),
]


def _says_why(service: Service, response: httpx.Response, reason: str, description: str) -> None:
    assert _failed(response, 401, "invalid_token")
    challenge = f'Bearer error="invalid_token", error_description="{description}"'
    assert response.headers["www-authenticate"] == challenge
    _is_logged(service, reason)
    assert f'intake_token_refusals_total{{reason="{reason}"}}' in service.get("/metrics").text


@pytest.mark.parametrize(("claims", "reason", "description"), _CLAIMS, ids=lambda value: str(value)[:20])
def test_a_token_that_is_not_good_gets_401_and_its_reason(
    service: Service, claims: dict[str, Any], reason: str, description: str
) -> None:
    _says_why(service, service.create(service.bearer(**claims)), reason, description)


@pytest.mark.parametrize("path", [CREATE, RESULT])
@pytest.mark.parametrize(
    ("text", "reason", "description"),
    [
        ("", "malformed", "The token is malformed"),
        ("x", "malformed", "The token is malformed"),
        ("a.b.c", "malformed", "The token is malformed"),
        ("x" * 4097, "too_large", "The token is larger than 4 KiB"),
        (jwt.encode({"sub": "canary"}, "s" * 64, "HS512"), "unsupported_algorithm", ""),
        (jwt.encode({"sub": "canary"}, "s" * 32, "HS256"), "bad_signature", "The signature does not fit the token"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_any_other_text_in_place_of_a_token_gets_401_and_its_reason(
    service: Service, path: str, text: str, reason: str, description: str
) -> None:
    response = service.post(as_body(a_request()), {"authorization": f"Bearer {text}".strip()}, path=path)

    description = description or "The token is signed with an algorithm that is not taken here"
    _says_why(service, response, reason, description)


def test_nothing_of_a_refused_token_is_in_a_log_or_an_answer(service: Service) -> None:
    canary = f"canary{secrets.token_hex(8)}"
    refused = [
        service.create(service.bearer(sub=canary, exp=1)),
        service.create(service.bearer(sub=canary, scope=canary)),
        service.create({"authorization": f"Bearer {canary}.{canary}.{canary}"}),
        service.create({"authorization": f"{canary} {canary}"}),
    ]

    assert [response.status_code for response in refused] == [401, 403, 401, 401]
    assert not [response for response in refused if canary in f"{response.headers}{response.text}"]
    assert canary not in service.shim.log()


@pytest.mark.parametrize("scope", ["", "customer:read", "customer:creates", "customer:create2 apis", "API", None])
def test_a_token_without_the_scope_gets_403_and_the_answer_names_the_scopes_that_are_enough(
    service: Service, scope: str | None
) -> None:
    headers = {"authorization": f"Bearer {token(service.environment, scope=scope)}"}  # type: ignore[arg-type]

    response = service.create(headers)

    assert _failed(response, 403, "insufficient_scope")
    assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="customer:create"'


@pytest.mark.parametrize(
    "scope", ["customer:create", "api", "profile api email", "x customer:create", ["x", "customer:create"]], ids=str
)
def test_each_scope_of_the_settings_is_enough(service: Service, scope: Any) -> None:
    assert service.create(service.bearer(scope=scope)).status_code == 202


def test_scopes_may_be_in_another_claim(isolated_env: Environment, start_shim: Starter, serve: Serve) -> None:
    service = serve(start_shim(isolated_env, INTAKE_JWT_SCOPE_CLAIM="scp", INTAKE_SCOPES="signup"))

    assert service.create(service.bearer(scp=["signup"])).status_code == 202
    assert service.create(service.bearer(scp="a signup")).status_code == 202
    refused = service.create(service.bearer(scope="signup"))
    assert (refused.status_code, refused.headers["www-authenticate"]) == (
        403,
        'Bearer error="insufficient_scope", scope="signup"',
    )


def test_callers_of_two_issuers_with_one_subject_are_two_callers(
    isolated_env: Environment, start_shim: Starter, serve: Serve
) -> None:
    service = serve(start_shim(isolated_env, INTAKE_JWT_ISSUER="https://a https://b"))
    body = as_body(a_request(email=an_email()))
    by_a, by_b = ({"idempotency-key": "1", **service.bearer(iss=f"https://{name}")} for name in "ab")

    first, repeat, other = (service.post(body, headers).json()["task"]["id"] for headers in (by_a, by_a, by_b))

    assert first == repeat != other
    assert service.get(RESULT, by_b, id=first).status_code == 404
    assert service.get(RESULT, by_a, id=first).status_code == 202
    assert service.create(service.bearer(iss="https://c")).status_code == 401


class _Provider:
    """An identity provider. It signs tokens with keys that it publishes at once or later."""

    def __init__(self, server: KeyServer) -> None:
        self.server = server
        self.keys = {kid: ec.generate_private_key(ec.SECP256R1()) for kid in ("old", "new")}

    def publish(self, *kids: str) -> None:
        algorithm = jwt.get_algorithm_by_name("ES256")
        self.server.publish(
            *(algorithm.to_jwk(self.keys[kid].public_key(), as_dict=True) | {"kid": kid} for kid in kids)
        )

    def bearer(self, kid: str) -> dict[str, str]:
        claims = {"sub": "me", "scope": "customer:create", "exp": int(time.time()) + 3600}
        return {"authorization": f"Bearer {jwt.encode(claims, self.keys[kid], 'ES256', headers={'kid': kid})}"}


@pytest.fixture
def provider() -> Iterator[_Provider]:
    with a_key_server() as server:
        yield _Provider(server)


def _without_secret(environment: Environment) -> Environment:
    return {name: value for name, value in environment.items() if not name.startswith("INTAKE_JWT_")}


def _is_ready(service: Service) -> bool:
    return service.http.get(f"{service.shim.url}/readyz").status_code == 200


@pytest.mark.slow
def test_tokens_of_a_new_key_are_good_at_once_and_tokens_of_a_withdrawn_key_are_not(
    isolated_env: Environment, start_shim: Starter, serve: Serve, provider: _Provider
) -> None:
    provider.publish("old")
    # Keys are fetched every ten seconds at least, and once in between for a token of an unknown key.
    settings = {"INTAKE_JWT_JWKS_URL": provider.server.url, "INTAKE_JWT_JWKS_REFRESH_SECONDS": "10"}
    service = serve(start_shim(_without_secret(isolated_env), **settings))
    wait_until(lambda: _is_ready(service), what="the keys are fetched")
    assert service.create(provider.bearer("old")).status_code == 202
    assert service.create(provider.bearer("new")).status_code == 401

    provider.publish("new")

    wait_until(lambda: service.create(provider.bearer("new")).status_code == 202, timeout=30, what="the new key serves")
    refused = service.create(provider.bearer("old"))
    assert refused.status_code == 401
    assert "key that is not known here" in refused.headers["www-authenticate"]
    _is_logged(service, "unknown_key")


def test_tokens_of_unknown_keys_do_not_make_the_shim_ask_the_provider_more_often(
    isolated_env: Environment, start_shim: Starter, serve: Serve, provider: _Provider
) -> None:
    provider.publish("old")
    service = serve(start_shim(_without_secret(isolated_env), INTAKE_JWT_JWKS_URL=provider.server.url))
    wait_until(lambda: _is_ready(service), what="the keys are fetched")
    before = time.monotonic()

    answers = {service.create(provider.bearer("new")).status_code for _ in range(100)}

    assert answers == {401}
    assert provider.server.asked <= 2 + (time.monotonic() - before) // 10


@pytest.mark.slow
def test_the_shim_is_ready_and_judges_tokens_only_once_it_has_keys(
    isolated_env: Environment, start_shim: Starter, serve: Serve, provider: _Provider
) -> None:
    provider.server.status = 503
    service = serve(start_shim(_without_secret(isolated_env), INTAKE_JWT_JWKS_URL=provider.server.url))

    ready = service.http.get(f"{service.shim.url}/readyz")
    assert (ready.status_code, ready.json()["data"]) == (503, {"missing": ["token_keys"]})
    assert _failed(service.create(provider.bearer("old")), 503, "service_unavailable")
    _is_logged(service, "no_keys")
    assert service.create({"authorization": "Bearer x"}).status_code == 401
    assert '"reason": "status_503"' in service.shim.log()

    provider.publish("old")

    wait_until(lambda: _is_ready(service), timeout=20, what="the keys are fetched")
    assert service.create(provider.bearer("old")).status_code == 202


def _stale(service: Service, setting: str) -> float:
    metrics = service.http.get(f"{service.shim.url}/metrics").text
    name = f'intake_token_keys_not_renewed_total{{setting="INTAKE_{setting}"}} '
    return float(metrics.partition(name)[2].splitlines()[0])


@pytest.mark.slow
def test_while_the_provider_is_away_the_last_keys_serve_and_that_is_logged(
    isolated_env: Environment, start_shim: Starter, serve: Serve, provider: _Provider
) -> None:
    provider.publish("old")
    settings = {"INTAKE_JWT_JWKS_URL": provider.server.url, "INTAKE_JWT_JWKS_REFRESH_SECONDS": "10"}
    service = serve(start_shim(_without_secret(isolated_env), **settings))
    wait_until(lambda: _is_ready(service), what="the keys are fetched")
    assert _stale(service, "JWT_JWKS_URL") == 0

    provider.server.status = 500

    wait_until(lambda: _stale(service, "JWT_JWKS_URL") > 0, timeout=20, what="a failed fetch is counted")
    assert "token_keys_not_renewed" in service.shim.log()
    assert _is_ready(service)
    assert service.create(provider.bearer("old")).status_code == 202
    assert provider.server.url not in service.shim.log()


def _replace(path: Path, content: str) -> None:
    """Replace the file in one step, as tools that change secrets do."""
    new = path.with_suffix(".new")
    new.write_text(content)
    new.replace(path)


@pytest.mark.slow
def test_a_secret_file_that_changes_is_read_again_and_a_broken_one_is_logged_and_not_used(
    isolated_env: Environment, start_shim: Starter, serve: Serve, tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    old, new = "o" * 40, "n" * 40
    path.write_text(old)
    service = serve(start_shim(_without_secret(isolated_env), INTAKE_JWT_SECRET_FILE=str(path)))
    by_old, by_new = ({"authorization": f"Bearer {token({'INTAKE_JWT_SECRET': each})}"} for each in (old, new))
    assert service.create(by_old).status_code == 202

    _replace(path, "too short: hush")

    wait_until(lambda: _stale(service, "JWT_SECRET_FILE") > 0, timeout=20, what="the broken file is told")
    assert service.create(by_old).status_code == 202
    assert "must be at least 32 bytes long" in service.shim.log()

    _replace(path, new + "\n")

    wait_until(lambda: service.create(by_new).status_code == 202, timeout=20, what="the new secret serves")
    assert service.create(by_old).status_code == 401
    assert "hush" not in service.shim.log()


@pytest.mark.slow
def test_a_file_of_public_keys_that_changes_is_read_again_and_one_that_is_gone_is_logged_while_its_keys_serve_on(
    isolated_env: Environment, start_shim: Starter, serve: Serve, provider: _Provider, tmp_path: Path
) -> None:
    # Kubernetes mounts it like this: a link to a link, which is replaced.
    path, data = tmp_path / "jwks.json", tmp_path / "..data"
    for kid in ("old", "new"):
        provider.publish(kid)
        (tmp_path / kid).mkdir()
        (tmp_path / kid / "jwks.json").write_bytes(provider.server.body)
    data.symlink_to("old")
    path.symlink_to("..data/jwks.json")
    service = serve(start_shim(_without_secret(isolated_env), INTAKE_JWT_PUBLIC_KEYS_FILE=str(path)))
    assert service.create(provider.bearer("old")).status_code == 202
    assert service.create(provider.bearer("new")).status_code == 401

    turned = tmp_path / "..turned"
    turned.symlink_to("new")
    turned.replace(data)

    wait_until(lambda: service.create(provider.bearer("new")).status_code == 202, timeout=20, what="the new key serves")
    assert service.create(provider.bearer("old")).status_code == 401

    data.unlink()

    wait_until(lambda: _stale(service, "JWT_PUBLIC_KEYS_FILE") > 0, timeout=20, what="the missing file is told")
    assert service.create(provider.bearer("new")).status_code == 202
    assert str(tmp_path) not in service.shim.log()
