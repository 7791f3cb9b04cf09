"""What the Redis of a process must be and allow. Each thing that is not so is a finding with a name.

This module does no I/O. The caller sends `commands_of` its process, asynchronously or not, and `findings_of` judges the
replies. Most is read from `INFO`, since managed servers forbid `CONFIG`. A script (`startup.broker.redis_probe`) finds
out what the user may do, and whether Redis takes writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from startup.broker.redis_probe import probe_command
from startup.broker.redis_refusals import Kind, Refusal, refusal_of_code
from startup.broker.redis_rights import PROBE_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from startup.broker.redis_rights import Rights
    from startup.environment import EnvironmentReader

LEAST_MAJOR_VERSION: Final = 7
"""The first version with `#!lua` scripts that have flags, and with `BLMPOP`."""

EVICTS: Final = "redis_evicts"
"""The code of the finding: Redis may forget keys when its memory is full."""
NO_APPEND_ONLY_FILE: Final = "redis_no_append_only_file"
"""The code of the finding: what Redis was told does not outlive it."""
_LOWERED_BY: Final = {"REDIS_ALLOW_EVICTION": EVICTS, "REDIS_ALLOW_NO_APPEND_ONLY_FILE": NO_APPEND_ONLY_FILE}
"""Settings that lower a finding to a warning. The service then works, but a 202 promises less than it seems to."""

INFO_REFUSED: Final = "redis_info_refused"
"""The code of the finding: this user may not run `INFO`."""


class Severity(StrEnum):
    """What is done about a finding, the gravest first."""

    REFUSE = "refuse"
    """Accept nothing; not ready."""
    TELL = "tell"
    """Not ready. Calls are tried all the same."""
    WARN = "warn"
    """Ready. The log repeats the warning."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold of this Redis."""

    code: str
    """It has few values, so that it can be a metric's label and part of a probe's answer."""
    severity: Severity
    sentence: str
    """What it means and what to do. It repeats no text of the server."""
    elsewhere: bool = False
    """Whether another server may be behind the same name, so that it helps to connect again."""


INFO_COMMAND: Final[tuple[str, ...]] = ("INFO",)
"""Asks Redis for its version, role and settings."""


def commands_of(rights: Rights) -> tuple[tuple[str, ...], ...]:
    """The commands that a process with these rights sends, in this order."""
    return (INFO_COMMAND, probe_command(rights))


def findings_of(replies: Sequence[Any | Refusal], *, allowed: Collection[str] = ()) -> tuple[Finding, ...]:
    """The findings, the gravest first.

    Args:
        replies: The replies to `commands_of`, or to `INFO` alone. If Redis refused a command, the `Refusal` stands in
            place of its reply. The reply to `INFO` may be text as Redis sends it, or what redis-py parses from it.
        allowed: The codes of findings that are only warnings, from `read_allowed`.
    """
    info, *rest = replies
    found = list(_of_info(info))
    if rest and not any(each.elsewhere for each in found):
        found += _of_probe(rest[0])
    unique = {each.code: _lowered(each) if each.code in allowed else each for each in reversed(found)}
    order = list(Severity)
    return tuple(sorted(unique.values(), key=lambda each: (order.index(each.severity), each.code)))


def read_allowed(reader: EnvironmentReader) -> frozenset[str]:
    """The codes of the findings that the settings lower to warnings."""
    return frozenset(code for name, code in _LOWERED_BY.items() if reader.flag(name))


def finding_of_refusal(refusal: Refusal) -> Finding:
    """A refusal as a finding, for a refusal that every caller would get."""
    return Finding(
        f"redis_{refusal.code.lower()}", Severity.TELL, refusal.sentence, elsewhere=refusal.kind is Kind.ELSEWHERE
    )


def parse_info(reply: bytes | str | Mapping[str, Any]) -> Mapping[str, str]:
    """The fields of an `INFO` reply."""
    if isinstance(reply, Mapping):
        return {str(name): str(value) for name, value in reply.items()}
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    pairs = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {name: value.strip() for name, found, value in pairs if found}


def loading_progress(info: Mapping[str, str]) -> str:
    """How much of its data Redis has read back, in words. Empty if it reads none back."""
    if info.get("loading", "0") == "0" and info.get("async_loading", "0") == "0":
        return ""
    percent, left = info.get("loading_loaded_perc"), info.get("loading_eta_seconds")
    return f"{percent} % read, about {left} s left" if percent and left else "it does not tell how far it is"


def _of_info(reply: Any) -> Iterator[Finding]:
    if isinstance(reply, Refusal):
        if reply.code in {"NOPERM", "unknown_command"}:
            sentence = "Redis does not tell about itself: allow this user the command INFO"
            yield Finding(INFO_REFUSED, Severity.WARN, sentence)
        else:
            yield finding_of_refusal(reply)
        return
    info = parse_info(reply)
    version = info.get("redis_version", "")
    if version.partition(".")[0].isdigit() and int(version.partition(".")[0]) < LEAST_MAJOR_VERSION:
        sentence = f"Redis is older than version {LEAST_MAJOR_VERSION}"
        yield Finding("redis_too_old", Severity.TELL, f"{sentence}: its scripts and BLMPOP are needed")
    mode = info.get("redis_mode", "standalone")
    if mode == "cluster" or info.get("cluster_enabled", "0") == "1":
        sentence = "Redis runs in cluster mode: point INTAKE_REDIS_URL at a server that does not"
        yield Finding("redis_cluster_mode", Severity.TELL, sentence)
    if mode == "sentinel":
        sentence = "INTAKE_REDIS_URL leads to a Sentinel, which stores nothing: write redis+sentinel://host/name/0"
        yield Finding("redis_is_sentinel", Severity.TELL, sentence)
        return
    if info.get("role", "master") != "master":
        sentence = "the server is a replica: the name of INTAKE_REDIS_URL must lead to the primary"
        yield Finding("redis_is_replica", Severity.TELL, sentence, elsewhere=True)
    if progress := loading_progress(info):
        sentence = f"Redis reads its data back: {progress}"
        yield Finding("redis_loading", Severity.TELL, sentence, elsewhere=True)
    if info.get("maxmemory_policy", "noeviction") != "noeviction":
        sentence = (
            "Redis forgets keys when its memory is full, promised signups among them: set maxmemory-policy noeviction"
        )
        yield Finding(EVICTS, Severity.REFUSE, sentence)
    # While Redis reads its append-only file it tells that it keeps none.
    if info.get("aof_enabled", "1") == "0" and not progress:
        sentence = "Redis keeps no append-only file: what it was promised is lost when it ends. Set appendonly yes"
        yield Finding(NO_APPEND_ONLY_FILE, Severity.TELL, sentence)


def _of_probe(reply: Any) -> Iterator[Finding]:
    if isinstance(reply, Refusal):
        finding = finding_of_refusal(reply)
        if reply.code == "NOPERM":
            sentence = f"{reply.sentence}: EVAL, or the key {PROBE_KEY}"
            finding = Finding(finding.code, finding.severity, sentence)
        yield finding
        return
    text = reply.decode() if isinstance(reply, bytes) else str(reply)
    by_code: dict[str, list[str]] = {}
    for each in filter(None, text.split(",")):
        name, _, code = each.rpartition(" ")
        by_code.setdefault(code, []).append(name)
    for code, names in by_code.items():
        refusal = refusal_of_code(code)
        finding = finding_of_refusal(refusal)
        sentence = f"{refusal.sentence}: {', '.join(dict.fromkeys(names))}"
        yield Finding(finding.code, finding.severity, sentence, elsewhere=finding.elsewhere)


def _lowered(finding: Finding) -> Finding:
    return Finding(finding.code, Severity.WARN, finding.sentence, elsewhere=finding.elsewhere)
