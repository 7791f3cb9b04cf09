"""What a client sent and what answers it got, and the checker of all fault tests, which needs nothing else."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from schemas.protocol.keys import record_key
from tests.faults.harness.arena import CANARY
from tests.faults.harness.balance import find_imbalance
from tests.faults.harness.batch_rows import DOMAIN, HASH_CANARY

if TYPE_CHECKING:
    from tests.faults.harness.service_under_test import ServiceUnderTest

_ATTEMPTS: Final = 40
"""How often one request is repeated with its idempotency key, so that a client goes on through the faults."""


_ANSWER_SECONDS: Final = 10
_FOLLOW_SECONDS: Final = 120
_RETRY_SECONDS: Final = 0.1


@dataclass
class Submission:
    """One signup as its client knows it."""

    key: str
    document: dict[str, Any]
    task_id: str | None = None
    attempts: int = 0
    outcome: dict[str, Any] | None = None
    refused: Counter[str] = field(default_factory=Counter)
    failed_reads: int = 0
    """How often its outcome could not be read."""
    began_at: float = 0
    """When its client first sent it, by a clock that only goes forward."""
    ended_at: float | None = None
    """When its client had its outcome. Only where the submission was followed."""

    @property
    def seconds(self) -> float | None:
        """How long its client waited from the first try to the outcome."""
        return None if self.ended_at is None else self.ended_at - self.began_at

    @property
    def accepted(self) -> bool:
        """Whether it got a 202, which is the promise."""
        return self.task_id is not None


@dataclass(frozen=True)
class Verdict:
    """The figures of one test."""

    accepted: int
    outcomes: int
    lost: int
    doubled: int
    resends: int
    problems: tuple[str, ...]
    waits: tuple[float, ...]
    """How long the clients waited for the submissions that they followed, sorted."""


class Client:
    """Submits signups, repeats them with idempotency keys, and notes the answers. Thread-safe."""

    def __init__(
        self,
        service: ServiceUnderTest,
        *,
        name: str = "c",
        connect_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._service = service
        self._name = name
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        timeout = httpx.Timeout(_ANSWER_SECONDS, connect=connect_seconds)
        self._http = httpx.Client(headers={"authorization": f"Bearer {service.token}"}, timeout=timeout)
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()
        self._closing = threading.Event()
        service.at_the_end.callback(self.close)
        self.history: list[Submission] = []

    def close(self) -> None:
        """End all threads that still submit, and close the connections."""
        self._closing.set()
        self.end_load()
        self._http.close()

    def submit(self, *, retry: bool = True, password_suffix: str = "", **changes: str) -> Submission:
        """Send one signup until it is accepted, or until it was sent often enough."""
        number = next(self._numbers)
        # Every tenth signup has the email of the one before it.
        holder = number - 1 if number % 10 == 9 else number
        submission = Submission(
            key=f"{self._name}-{number}",
            document={
                "email": f"{self._name}-{holder}@example.com",
                "password": f"{CANARY}-{number}{password_suffix}",
                "firstName": f"First {number}",
                "lastName": "Last",
                **changes,
            },
        )
        with self._lock:
            self.history.append(submission)
        self.send(submission, attempts=_ATTEMPTS if retry else 1)
        return submission

    def send(self, submission: Submission, *, attempts: int = 1) -> None:
        """Send a submission with its own key, for the first time or again."""
        submission.began_at = submission.began_at or time.monotonic()
        for attempt in range(attempts):
            if attempt and self._closing.wait(min(2.0, 0.1 * attempt)):
                return
            submission.attempts += 1
            try:
                answer = self._http.post(
                    f"{self._service.url}/customer.create",
                    json=submission.document,
                    headers={"idempotency-key": submission.key},
                )
            except httpx.TransportError as error:
                submission.refused[type(error).__name__] += 1
                continue
            if answer.status_code == 202:
                told = answer.json()["task"]["id"]
                assert submission.task_id in {None, told}, "two tasks for one idempotency key"
                submission.task_id = told
                return
            submission.refused[str(answer.status_code)] += 1
            assert answer.status_code in {429, 503}, answer.text

    def load(
        self, *, seconds: float, threads: int = 4, pause: float = 0.02, follow: bool = False
    ) -> list[threading.Thread]:
        """Submit from several threads for a while. Returns the threads. With `follow` each waits for its outcomes.

        `pause` is the mean of the pauses. They differ, so that the threads do not keep step.
        """
        until = time.monotonic() + seconds

        def run() -> None:
            while time.monotonic() < until and not self._ending.is_set():
                submission = self.submit()
                if follow:
                    self.follow(submission)
                self._closing.wait(random.uniform(0.5, 1.5) * pause)

        started = [threading.Thread(target=run, daemon=True) for _ in range(threads)]
        self._threads += started
        for thread in started:
            thread.start()
        return started

    def follow(self, submission: Submission, *, seconds: float = _FOLLOW_SECONDS) -> None:
        """Wait for the outcome of a submission, as a client does that shows it to a person."""
        self._read(submission, deadline=time.monotonic() + seconds)
        if submission.outcome is not None:
            submission.ended_at = time.monotonic()

    def end_load(self) -> None:
        """Submit no more, and wait for the submissions that are under way."""
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def collect(self, *, seconds: float) -> None:
        """Read the outcome of every accepted task. Waits for it as long as it may take."""
        deadline = time.monotonic() + seconds
        for submission in self.history:
            self._read(submission, deadline=deadline)

    def _read(self, submission: Submission, *, deadline: float) -> None:
        while submission.accepted and submission.outcome is None and not self._closing.is_set():
            try:
                answer = self._http.get(
                    f"{self._service.url}/customer.create.result", params={"id": submission.task_id, "wait": 5}
                )
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code in {200, 404, 500}:
                submission.outcome = answer.json()
            elif time.monotonic() > deadline:
                break
            elif answer is None or answer.status_code != 202:
                submission.failed_reads += 1
                self._closing.wait(_RETRY_SECONDS)


def check(service: ServiceUnderTest, client: Client) -> Verdict:
    """Compare the history with the stored customers. docs/reliability.md says what must be true."""
    problems: list[str] = []
    # Another checker looks at the customers of batches.
    stored = [each for each in service.customers() if not each["email"].endswith(f"@{DOMAIN}")]
    by_id = {customer["_id"]: customer for customer in stored}
    accepted = [submission for submission in client.history if submission.accepted]
    lost = [submission for submission in accepted if not _is_documented(submission.outcome)]
    problems += [f"{each.key} was accepted as {each.task_id} and its outcome is {each.outcome}" for each in lost]
    created: Counter[str] = Counter()
    for submission in accepted:
        outcome = submission.outcome or {}
        email = submission.document["email"]
        if outcome.get("ok") is True:
            customer_id = outcome["customer"]["id"]
            created[customer_id] += 1
            document = by_id.get(customer_id)
            if document is None:
                problems.append(f"{submission.key} is ok and its customer is not stored")
            elif any(document[name] != submission.document[name] for name in ("email", "firstName", "lastName")):
                problems.append(f"{submission.key} is ok and other data is stored")
        elif outcome.get("error") == "duplicate_key":
            holders = [other for other in stored if other["email"] == email]
            if not holders or holders[0]["firstName"] == submission.document["firstName"]:
                problems.append(f"{submission.key} is duplicate_key and nobody else has its email")
    problems += [f"{customer_id} was given to {times} tasks" for customer_id, times in created.items() if times > 1]
    doubled = [email for email, times in Counter(each["email_key"] for each in stored).items() if times > 1]
    doubled += [name for name, times in Counter(each["firstName"] for each in stored).items() if times > 1]
    problems += [f"{name} is stored twice" for name in doubled]
    # A request without a confirmation may have made its customer too. No other customer may be there.
    ambiguous = {submission.document["firstName"] for submission in client.history if not submission.accepted}
    problems += [
        f"{customer['_id']} is stored and nobody was told"
        for customer in stored
        if customer["_id"] not in created and customer["firstName"] not in ambiguous
    ]
    problems += find_canary(service)
    problems += find_imbalance(service)
    return Verdict(
        accepted=len(accepted),
        outcomes=len(accepted) - len(lost),
        lost=len(lost),
        doubled=len(doubled),
        resends=_resends(service, accepted),
        problems=tuple(problems),
        waits=tuple(sorted(each.seconds for each in client.history if each.seconds is not None)),
    )


def _is_documented(outcome: dict[str, Any] | None) -> bool:
    return outcome is not None and (outcome.get("ok") is True or outcome.get("error") == "duplicate_key")


def _resends(service: ServiceUnderTest, accepted: list[Submission]) -> int:
    with service.redis_client() as client:
        sends = [client.hget(record_key(str(submission.task_id)), "sends") for submission in accepted]
    return sum(int(each) - 1 for each in sends if each is not None)


def find_canary(service: ServiceUnderTest) -> list[str]:
    """The places where a password, or a hash of a row, can be read: Redis' files and logs."""
    canaries = (CANARY.encode(), HASH_CANARY.encode())

    def found(content: bytes) -> bool:
        return any(canary in content for canary in canaries)

    places = [path for path in service.folder.glob("redis*/**/*") if path.is_file() and found(path.read_bytes())]
    problems = [f"a password is readable in {path}" for path in places]
    if found(service.logs()):
        problems.append("a password is readable in a log")
    return problems
