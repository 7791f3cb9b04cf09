"""A script that finds out what the user of Redis may do, and whether Redis takes writes.

Redis is asked about each right (`redis.acl_check_cmd`), so that no key of the service is touched. One key of the
probe's own is written and deleted: only a write shows that Redis is a replica, or that its disk is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from startup.broker.redis_rights import PROBE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from startup.broker.redis_rights import Rights

_LIFETIME_MILLISECONDS: Final = 10_000
"""The lifetime of the probe's key. If Redis stops in the middle of the script, it still expires."""

PROBE: Final = """#!lua flags=allow-oom
-- KEYS: a key of the probe's own
-- ARGV: its lifetime in milliseconds; then for each right its name, how many words a command has that needs it, and the
--       words
-- Reply: '' or, for each right that is missing and each write that was refused, its name and the error's first word
local refused, is_refused = {}, {}
local function refuse(name, word)
  refused[#refused + 1] = name .. ' ' .. word
  is_refused[name] = true
end
local function try(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    local word = string.match(reply.err, '^%-?(%S+)') or 'ERR'
    -- Redis has no code for a right that lacks inside a script. It is told below.
    if not string.find(reply.err, 'user executing the script', 1, true)
      and not string.find(reply.err, 'ACL failure', 1, true) then
      refuse(select(1, ...), word)
    end
  end
end
try('SET', KEYS[1], 'probe', 'PX', ARGV[1])
try('PEXPIREAT', KEYS[1], 1)
local at = 2
while at < #ARGV do
  local name, count, words = ARGV[at], tonumber(ARGV[at + 1]), {}
  for place = 1, count do words[place] = ARGV[at + 1 + place] end
  local is_known, is_allowed = pcall(redis.acl_check_cmd, unpack(words))
  if not is_known then
    refuse(name, 'unknown_command')
  -- Without the right to a command nothing is known of the keys that are asked about with it.
  elseif not is_allowed and not is_refused[words[1]] then
    refuse(name, 'NOPERM')
  end
  at = at + 2 + count
end
return table.concat(refused, ',')
"""
"""The script. It needs Redis 7, as every script of the service."""

_NOT_ASKED_ABOUT: Final = frozenset({"CLIENT|SETINFO", "INFO", "ROLE", "SELECT", "WAIT"})
"""Commands that some set-ups do without. Where one is needed and denied, its own refusal tells."""

_WITHOUT_A_KEY: Final = {
    "EVAL": ("EVAL", "", "0"),
    "EVALSHA": ("EVALSHA", "", "0"),
    "EXEC": ("EXEC",),
    "MULTI": ("MULTI",),
    "PING": ("PING",),
    # Without a channel Redis looks at the command alone.
    "PUBLISH": ("PUBLISH",),
    "SCRIPT|LOAD": ("SCRIPT", "LOAD", ""),
    "SUBSCRIBE": ("SUBSCRIBE",),
    "TIME": ("TIME",),
    "UNSUBSCRIBE": ("UNSUBSCRIBE",),
}
"""How Redis is asked about commands that take no key."""

_WITH_A_LATER_KEY: Final = {
    "BLMPOP": ("BLMPOP", "0", "1", PROBE_KEY, "LEFT"),
    "LMPOP": ("LMPOP", "1", PROBE_KEY, "LEFT"),
    "XINFO|GROUPS": ("XINFO", "GROUPS", PROBE_KEY),
    "XREAD": ("XREAD", "STREAMS", PROBE_KEY, "0"),
}
"""How Redis is asked about commands whose key is not the first argument."""


def probe_command(rights: Rights) -> tuple[str, ...]:
    """The command that finds out whether the user has these rights."""
    arguments = [
        each for name, words in _questions(rights) for each in (name.replace("|", " "), str(len(words)), *words)
    ]
    return ("EVAL", PROBE, "1", PROBE_KEY, str(_LIFETIME_MILLISECONDS), *arguments)


def _questions(rights: Rights) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name of each right, and a command that needs it. Commands come before keys and channels."""
    for command in rights.commands:
        if command not in _NOT_ASKED_ABOUT:
            yield command, _WITHOUT_A_KEY.get(command) or _WITH_A_LATER_KEY.get(command) or (command, PROBE_KEY)
    for pattern in rights.keys:
        yield pattern, ("EVALSHA", "", "1", _example(pattern))
    for pattern in rights.read:
        yield pattern, ("ZRANGE", _example(pattern), "0", "0")
    for pattern in rights.written:
        yield pattern, ("LPUSH", _example(pattern), "")
    for pattern in rights.channels:
        yield pattern, ("PUBLISH", _example(pattern), "")


def _example(pattern: str) -> str:
    return pattern.replace("*", "probe")
