"""What a call of a dependency can fail with. No text holds anything that a driver has said."""

from __future__ import annotations


class TransientError(Exception):
    """A dependency is away, and the same call may work later. Its text is the dependency's name, never a driver's."""

    def __init__(self, dependency: str, *, code: str = "") -> None:
        """`code`: the name of the dependency's error, if it has answered."""
        super().__init__(dependency)
        self.dependency = dependency
        self.code = code


class RefusedError(Exception):
    """A dependency answers and refuses. Has the error's name, what it is about, and what an operator can do."""

    def __init__(
        self, dependency: str, *, code: str, concerns: str = "", advice: str = "", may_pass: bool = False
    ) -> None:
        """`may_pass`: it may pass without anybody doing something, so it is worth asking again soon."""
        super().__init__(f"{dependency}: {code}")
        self.may_pass = may_pass
        self.dependency = dependency
        self.code = code
        self.concerns = concerns
        self.advice = advice


class MisconfiguredError(RefusedError):
    """A dependency will refuse every task until an operator has mended something."""


class UnexplainedError(RefusedError):
    """A dependency refuses with an error that is in no table. After a few tries the task has failed."""


class GiveBackError(Exception):
    """The tasks cannot be worked on here and now, through no fault of their own. They are to be given back."""
