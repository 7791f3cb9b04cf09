"""What is known of the server behind the connection: whether it may be promised anything, and what is missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from startup.broker.redis_refusals import Kind, Refusal
from startup.broker.redis_requirements import INFO_COMMAND, Finding, Severity, commands_of, findings_of, parse_info
from startup.broker.redis_rights import SHIM

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from api_shim.broker.redis_reports import RedisReports


class ServerFindings:
    """The last judgement of the server. It is judged on each new connection before any call, and now and then."""

    COMMANDS: ClassVar = commands_of(SHIM)
    """The commands whose replies `judge` takes."""

    INFO_ALONE: ClassVar = (INFO_COMMAND,)
    """The same without the trial of what the user may do; `judge` then takes the last trial's result."""

    def __init__(self, reports: RedisReports, *, allowed: Collection[str], copies: int = 0) -> None:
        """Begin with nothing known.

        Args:
            reports: takes what is found.
            allowed: findings that the settings lower to warnings.
            copies: how many replicas must confirm a promise.
        """
        self._reports = reports
        self._allowed = allowed
        self._copies = copies
        self._tried: Sequence[Any] = ()
        self._is_in_doubt = False
        self._findings: tuple[Finding, ...] = ()
        self._missing_since: float | None = None
        self._good_replicas: int | None = None
        """How many replicas follow closely. None where Redis does not count them."""
        self.refusal: Refusal | None = None
        """Why this server must not be promised anything; None where it may be."""

    def judge(self, replies: Sequence[Any]) -> None:
        """Judge the server by the replies to `COMMANDS`, or to `INFO_ALONE`, that have just come."""
        info, *tried = replies
        if tried:
            self._tried, self._is_in_doubt = tried, False
        good = None if isinstance(info, Refusal) else parse_info(info).get("min_slaves_good_slaves")
        self._good_replicas = None if good is None else int(good)
        self._findings = (*findings_of([info, *self._tried], allowed=self._allowed), *self._of_replicas(info))
        self._missing_since = (self._missing_since or time.time()) if self.missing else None
        self._reports.found(self._findings)
        refused = [each for each in self._findings if each.severity is Severity.REFUSE]
        self.refusal = Refusal(refused[0].code, Kind.MISCONFIGURED, refused[0].sentence) if refused else None

    def _of_replicas(self, info: Any) -> tuple[Finding, ...]:
        if not self._copies or isinstance(info, Refusal):
            return ()
        fields = parse_info(info)
        if fields.get("role") != "master" or int(fields.get("connected_slaves", self._copies)) >= self._copies:
            return ()
        # Calls are tried all the same: a replica that comes back is counted at once then.
        sentence = "Redis has fewer replicas than INTAKE_REDIS_COPIES asks for, so that nothing can be promised"
        return (Finding("redis_too_few_copies", Severity.TELL, sentence),)

    def doubt(self) -> None:
        """Let the next look try the user's rights: a call was refused, so one of them may have been taken away."""
        self._is_in_doubt = True

    @property
    def wants_trial(self) -> bool:
        """Whether the next look is to try what the user may do, instead of taking the last trial's result."""
        return self._is_in_doubt or bool(self.missing)

    @property
    def counts_replicas(self) -> bool:
        """Whether this server takes no writes without replicas (`min-replicas-to-write`)."""
        return self._good_replicas is not None

    @property
    def is_alone(self) -> bool:
        """Whether it counts its replicas, and none follows."""
        return self._good_replicas == 0

    @property
    def missing(self) -> list[str]:
        """The codes of the findings that keep this process from being ready."""
        return [each.code for each in self._findings if each.severity is not Severity.WARN]

    @property
    def missing_since_milliseconds(self) -> int | None:
        """Since when this process is not ready for a finding, in Unix milliseconds; None where it is."""
        return None if self._missing_since is None else int(1000 * self._missing_since)

    @property
    def missing_in_words(self) -> str:
        """The gravest finding that keeps this process from being ready, and what to mend. Empty where there is none."""
        missing = (each for each in self._findings if each.severity is not Severity.WARN)
        return next((f"{each.code}: {each.sentence}" for each in missing), "")

    @property
    def elsewhere(self) -> bool:
        """Whether a better server may be behind the same name by now."""
        return any(each.elsewhere for each in self._findings)
