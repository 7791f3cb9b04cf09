"""Why a hash of another product cannot be brought along."""

from __future__ import annotations


class ForeignHashError(ValueError):
    """The hash cannot become a string that a login could verify. The message says why, and holds nothing of it.

    It reads on from the name of the field, as the service's complaints do: "is made with the shop's key".
    """


class NoPasswordError(ForeignHashError):
    """The product says that nobody can log in with a password here: the customer has no password, and no bad one."""

    def __init__(self) -> None:
        super().__init__("stands for no password")
