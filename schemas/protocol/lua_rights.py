"""Makes a script ask whether its user may call all of its commands, before it does anything.

Redis looks at the rights of a user at each command inside a script, and undoes nothing where one is denied. A step that
was refused in its middle would leave a record without its place in the queue, or an outcome without its event.
"""

from __future__ import annotations

import re
from typing import Final

_COMMENT: Final = re.compile(r"--.*")
"""A comment. No text in a script has two hyphens."""
_FUNCTION: Final = re.compile(r"^local function (\w+)\((?:[^\n]* end\n|.*?^end\n)", re.MULTILINE | re.DOTALL)
"""A function of a script, on one line or on several."""
_CALL: Final = re.compile(r"redis\.call\('(?:(XINFO|XGROUP)', ')?([A-Z]+)'(?:, (\w+)\b)?")
"""A command that a script calls, with its subcommand and its key. What `redis.pcall` calls is looked after there."""
_NAMED_KEY: Final = re.compile(r"^local (\w+) = ('[\w.:]+')$", re.MULTILINE)
"""A line that names a key which the caller of a script does not declare, so that Redis has not looked at it yet."""
_NAME: Final = re.compile(r"\w++")
"""A name, or a word that is none."""
_READS: Final = "flags=no-writes"
"""What the first line of a script says that cannot be left half done."""
_KEY: Final = "KEYS[1]"
"""A key that the user may read and write, since Redis has let the script begin with it.

Redis 8.2 can crash when it is asked about a command whose key is missing.
"""

_ASKED: Final = {
    ("", "PUBLISH"): "'PUBLISH'",
    ("", "TIME"): "'TIME'",
    ("", "XREADGROUP"): f"'XREADGROUP', 'GROUP', '', '', 'STREAMS', {_KEY}, '0'",
}
"""How Redis is asked about commands whose key is not the first argument, or that have none."""

_GUARD: Final = "if not (%s) then return redis.error_reply('NOPERM this user may not do all of the step') end"
"""What is asked first. The probe (`startup.broker.redis_probe`) tells which right is missing."""


def guarded(text: str) -> str:
    """The script with its guard, which costs Redis 0.2 microseconds a command. A script that only reads needs none."""
    first, _, rest = text.partition("\n")
    if _READS in first or _KEY not in rest:
        return text
    used = without_unused(rest)
    keys = dict(_NAMED_KEY.findall(used))
    questions = {_question(*words, key=keys.get(name, _KEY)) for *words, name in _CALL.findall(used)}
    asked = " and ".join(f"redis.acl_check_cmd({question})" for question in sorted(questions))
    return f"{first}\n{_GUARD % asked}\n{rest}"


def _question(container: str, command: str, *, key: str) -> str:
    known = _ASKED.get((container, command))
    return known or ", ".join([*(f"'{word}'" for word in (container, command) if word), key])


def without_unused(text: str) -> str:
    """The script without comments, and without the functions of its includes that it does not call."""
    text = _COMMENT.sub("", text)
    while True:
        names = _NAME.findall(text)
        unused = [found[0] for found in _FUNCTION.finditer(text) if names.count(found[1]) == 1]
        if not unused:
            return text
        for function in unused:
            text = text.replace(function, "")
