"""One call of one script, as a value: whoever has a connection sends it and reads the reply with it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Argument = str | bytes | int
"""What a script can be given: text as UTF-8, bytes as they are, numbers in decimal."""

Reply = TypeVar("Reply")
Value = TypeVar("Value")

DEADLINE: Final = "latest"
"""What a script calls its last argument where only the sender can know it: when Redis must have begun with the call."""


class ProtocolError(Exception):
    """A step in Python and its script do not name the same keys and arguments. No release can have this fault."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script. Redis knows it by its digest once it was loaded."""

    name: str
    text: str
    digest: str
    """SHA-1 of the text, in hexadecimal, for `EVALSHA`."""
    keys: tuple[str, ...]
    """What the script calls its KEYS, in their order."""
    arguments: tuple[str, ...]
    """What the script calls its ARGV, in their order; without the deadline and without the tail."""
    has_tail: bool = False
    """Whether the script takes any number of arguments after the named ones."""
    has_deadline: bool = False
    """Whether the last argument is the deadline."""

    def call(
        self,
        read: Callable[[Any], Reply],
        *,
        keys: Mapping[str, str],
        arguments: Mapping[str, Argument],
        tail: Sequence[Argument] = (),
    ) -> Call[Reply]:
        """A call with these keys and arguments. They are given by the script's names for them, in any order.

        Args:
            read: makes the typed reply of what Redis replies.
            keys: each of the script's KEYS.
            arguments: each of the script's named arguments, but for the deadline.
            tail: further arguments, where the script takes any number of them.

        Raises:
            ProtocolError: these are not the names that the script has.
        """
        if tail and not self.has_tail:
            raise ProtocolError(f"{self.name} is given more than it names")
        names = self._in_order(keys, self.keys)
        values = self._in_order(arguments, self.arguments)
        return Call(self, names, (*values, *tail) if tail else values, read, self.has_deadline)

    def _in_order(self, given: Mapping[str, Value], names: tuple[str, ...]) -> tuple[Value, ...]:
        """The values by the script's order, which is the order of `given` already in most steps."""
        if tuple(given) == names:
            return tuple(given.values())
        try:
            values = tuple([given[name] for name in names])
        except KeyError as error:
            raise ProtocolError(f"{self.name} is not given {error.args[0]}") from None
        if len(given) != len(names):
            raise ProtocolError(f"{self.name} is given more than it names")
        return values


@dataclass(frozen=True, slots=True)
class Call(Generic[Reply]):
    """A script with all that it is called with. The values may be secret: they are left out of `repr`."""

    script: Script
    keys: tuple[str, ...]
    arguments: tuple[Argument, ...]
    read: Callable[[Any], Reply]
    """Makes the typed reply of what Redis replied (RESP2: bytes, integers, None, and lists of these)."""
    has_deadline: bool = False
    """Whether the last argument is missing still: see `with_deadline`."""

    def __repr__(self) -> str:
        return f"Call({self.script.name})"

    def with_deadline(self, latest_milliseconds: int) -> Call[Reply]:
        """The same call with its deadline filled in.

        Args:
            latest_milliseconds: by Redis' clock, in Unix milliseconds. From then on the script changes nothing.
                0 stands for no deadline.

        Raises:
            ProtocolError: the call takes no deadline, or has one already.
        """
        if not self.has_deadline:
            raise ProtocolError(f"{self.script.name} takes no deadline")
        return replace(self, arguments=(*self.arguments, latest_milliseconds), has_deadline=False)

    def command(self) -> tuple[Argument, ...]:
        """The Redis command that makes this call.

        Raises:
            ProtocolError: the deadline is missing.
        """
        if self.has_deadline:
            raise ProtocolError(f"{self.script.name} is sent without its deadline")
        return ("EVALSHA", self.script.digest, len(self.keys), *self.keys, *self.arguments)
