"""The keys that tokens are verified with now. Each source of keys may change while the process runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.tokens.keys import MAXIMUM_CANDIDATES, PUBLIC_KEY_ALGORITHMS, VerificationKey

if TYPE_CHECKING:
    from pydantic import SecretBytes

    from edge.tokens.settings import TokenSettings


class KeyRing:
    """The secret and the public keys in force. Not thread-safe: one event loop uses it."""

    def __init__(self, settings: TokenSettings) -> None:
        self._secret = settings.secret
        self._configured = settings.public_keys
        self._fetched: tuple[VerificationKey, ...] | None = None
        self._fetches = bool(settings.jwks_url)
        self.version = 0
        """Grows with each change. A token that was verified at another version must be verified anew."""

    @property
    def awaits_keys(self) -> bool:
        """Whether keys are to be fetched from a URL and no fetch has worked yet."""
        return self._fetches and self._fetched is None

    def serves(self, algorithm: object) -> bool:
        """Whether tokens of this algorithm are taken at all."""
        return algorithm in PUBLIC_KEY_ALGORITHMS if algorithm != "HS256" else self._secret is not None

    def candidates(self, algorithm: str, key_id: str | None) -> list[Any]:
        """The keys that may have signed such a token."""
        if algorithm == "HS256":
            return [] if self._secret is None else [self._secret.get_secret_value()]
        return [
            each.key
            for each in (*self._configured, *(self._fetched or ()))
            if each.algorithm == algorithm and (key_id is None or each.key_id is None or each.key_id == key_id)
        ][:MAXIMUM_CANDIDATES]

    def put_secret(self, secret: SecretBytes) -> bool:
        """Replace the secret. Returns whether it differs from before."""
        changed = secret != self._secret
        self._secret = secret
        return self._noted(changed)

    def put_configured(self, keys: tuple[VerificationKey, ...]) -> bool:
        """Replace the keys that came with the settings. Returns whether they differ from before."""
        changed = keys != self._configured
        self._configured = keys
        return self._noted(changed)

    def put_fetched(self, keys: tuple[VerificationKey, ...]) -> bool:
        """Replace the keys that came from the URL. Returns whether they differ from before."""
        changed = keys != self._fetched
        self._fetched = keys
        return self._noted(changed)

    def _noted(self, changed: bool) -> bool:
        self.version += changed
        return changed
