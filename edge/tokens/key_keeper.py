"""Keeps the keys up to date: files are read again when they change, a JWKS is fetched again at intervals.

Where keys cannot be read or fetched, the keys of before stay in force, and a log line and a count tell of it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import SecretBytes

from edge.tokens.jwks_fetch import FetchError, fetch_jwks
from edge.tokens.key_files import KeyFile, UnusableKeysError
from edge.tokens.keys import PublicKeyFault, parse_public_keys
from edge.tokens.settings import JWKS_URL, PUBLIC_KEYS, SECRET, secret_fault
from startup.background.vital_task import VitalTask
from startup.environment import PREFIX
from startup.seldom import Seldom

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.metrics import EdgeMetrics
    from edge.tokens.key_ring import KeyRing
    from edge.tokens.settings import TokenSettings

LOOK_SECONDS: Final = 1.0
"""How often files are looked at."""

REPEAT_SECONDS: Final = 60.0
"""How often a file that cannot be used is told again, and the longest pause between two tries of a URL that fails."""

FIRST_RETRY_SECONDS: Final = 1.0
"""The pause after the first try of a URL that fails; it doubles with each further one."""

LEAST_FETCH_SECONDS: Final = 10.0
"""The least time between two fetches for tokens with an unknown key. A client that invents names of keys cannot make
this process fetch more often."""

log = structlog.get_logger("edge.tokens")


class KeyKeeper:
    """Keeps a `KeyRing` up to date from `start` to `close`."""

    def __init__(self, settings: TokenSettings, ring: KeyRing, metrics: EdgeMetrics) -> None:
        self._settings = settings
        self._ring = ring
        self._metrics = metrics
        self._fetching: asyncio.Task[bool] | None = None
        self._may_fetch_at = 0.0
        files: tuple[tuple[str, str, Callable[[bytes], bool]], ...] = (
            (SECRET, settings.secret_file, self._put_secret),
            (PUBLIC_KEYS, settings.public_keys_file, self._put_public_keys),
        )
        watched = [KeyFile(f"{PREFIX}{name}_FILE", Path(path), put) for name, path, put in files if path]
        self.tasks = [VitalTask(f"token_keys of {each.setting}", partial(self._watch, each)) for each in watched]
        """The tasks that keep the keys up to date, for the health probe."""
        if settings.jwks_url:
            self.tasks.append(VitalTask(f"token_keys of {PREFIX}{JWKS_URL}", self._refresh))

    def start(self) -> None:
        """Begin to look; needs a running event loop."""
        for task in self.tasks:
            task.start()

    async def close(self) -> None:
        """Stop looking and fetching."""
        for task in self.tasks:
            await task.close()
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def renewed(self) -> bool:
        """Fetch the keys, unless the last fetch was just now. Returns whether they were fetched."""
        if not self._settings.jwks_url:
            return False
        if self._fetching is None and asyncio.get_running_loop().time() < self._may_fetch_at:
            return False
        # Shielded from a caller that is cancelled, since others wait for the same fetch.
        return await asyncio.shield(self._fetch())

    def _fetch(self) -> asyncio.Task[bool]:
        if self._fetching is None:
            self._may_fetch_at = asyncio.get_running_loop().time() + LEAST_FETCH_SECONDS
            self._fetching = asyncio.create_task(self._fetch_once())
        return self._fetching

    async def _fetch_once(self) -> bool:
        setting = PREFIX + JWKS_URL
        try:
            keys = await fetch_jwks(self._settings.jwks_url)
        except FetchError as error:
            self._tell(setting, error.reason)
            return False
        else:
            if self._ring.put_fetched(keys):
                log.info("token_keys_renewed", setting=setting)
            return True
        finally:
            self._fetching = None

    async def _refresh(self) -> None:
        retry = FIRST_RETRY_SECONDS
        while True:
            if await asyncio.shield(self._fetch()):
                retry = FIRST_RETRY_SECONDS
                await asyncio.sleep(self._settings.jwks_refresh_seconds)
            else:
                await asyncio.sleep(retry)
                retry = min(2 * retry, REPEAT_SECONDS, self._settings.jwks_refresh_seconds)

    async def _watch(self, file: KeyFile) -> None:
        seldom = Seldom(every_seconds=REPEAT_SECONDS)
        told = ""
        while True:
            try:
                content = await asyncio.to_thread(file.look)
                if content is not None and file.take(content):
                    log.info("token_keys_renewed", setting=file.setting)
                fault = file.fault or ""
            except Exception as error:  # noqa: BLE001 - no thread, say: the next look may do better, and must come
                fault = f"cannot be looked at ({type(error).__name__})"
            # A fault that comes back after the file was good is told at once.
            if fault and (seldom.is_due(fault) or fault != told):
                self._tell(file.setting, fault)
            told = fault
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self, setting: str, reason: str) -> None:
        self._metrics.token_keys_not_renewed(setting)
        log.warning("token_keys_not_renewed", setting=setting, reason=reason)

    def _put_secret(self, content: bytes) -> bool:
        fault = secret_fault(content)
        if fault is not None:
            raise UnusableKeysError(fault)
        return self._ring.put_secret(SecretBytes(content))

    def _put_public_keys(self, content: bytes) -> bool:
        try:
            keys = parse_public_keys(content)
        except PublicKeyFault as fault:
            raise UnusableKeysError(str(fault)) from None
        return self._ring.put_configured(keys)
