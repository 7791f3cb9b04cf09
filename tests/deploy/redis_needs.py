"""What each process needs of Redis, read from the sources: its scripts, and the commands that it sends itself."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from schemas.protocol.lua_files import load_script
from schemas.protocol.lua_rights import without_unused

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
_STEPS: Final = ROOT / "schemas" / "protocol" / "steps"
_STEPS_MODULE: Final = "schemas.protocol.steps"

_OF_OPERATORS: Final = ("dead_letters.py", "endpoints.py")
"""Modules of the console that commands for operators use too."""

_ANNOUNCEMENTS: Final = ROOT / "startup" / "background" / "announcements.py"
"""Processes of which each is one event loop use it."""

_NAMES_OF_CLIENTS: Final = {"client", "_client", "pipeline"}
"""What a client of redis-py is called. Its methods are Redis' commands."""


def sources_of(user: str) -> list[Path]:
    """The modules with which this user's process speaks to Redis."""
    if user == "intake-shim":
        return [_ANNOUNCEMENTS, *(ROOT / "api_shim").rglob("*.py")]
    if user == "intake-worker":
        return [*(ROOT / "worker").rglob("*.py")]
    if user == "intake-console":
        folders = (ROOT / "console" / "service", ROOT / "console" / "web")
        return [_ANNOUNCEMENTS, *(path for folder in folders for path in folder.glob("*.py"))]
    if user == "intake-notifier":
        return [_ANNOUNCEMENTS, *(ROOT / "notifier").rglob("*.py")]
    of_console = (ROOT / "console" / "service" / name for name in _OF_OPERATORS)
    return [*of_console, ROOT / "cli" / "dead_letters.py", *(ROOT / "cli" / "webhooks").glob("*.py")]


@dataclass(frozen=True)
class _Step:
    """A function that makes a call of a script."""

    script: str
    keys: frozenset[str]
    """How it writes the names of the keys that it declares."""


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def _steps() -> dict[tuple[str, str], _Step]:
    """Module and function → the step."""
    found = {}
    for path in _STEPS.glob("*.py"):
        tree = _tree(path)
        scripts = dict(_loaded(tree))
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for name, function in functions.items():
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                script = scripts.get(ast.unparse(call.func).removesuffix(".call"))
                if script is not None:
                    (keys,) = (ast.unparse(each.value) for each in call.keywords if each.arg == "keys")
                    # Two scripts have the same keys, which a function of their module makes.
                    where = functions.get(keys.partition("(")[0], call)
                    found[path.stem, name] = _Step(script, frozenset(_key_names(where)))
    return found


def _loaded(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What the module calls each script that it loads, and the script's name."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            loaded = re.fullmatch(r"load_script\('(\w+)'\)", ast.unparse(node.value))
            if loaded is not None:
                yield ast.unparse(node.target), loaded[1]


def _key_names(node: ast.AST) -> Iterator[str]:
    """What makes a key, or the beginning of one, in the values of a step's dictionaries."""
    for values in (each.values for each in ast.walk(node) if isinstance(each, ast.Dict)):
        for value in values:
            if re.fullmatch(r"lane\.\w+|[A-Z_]+|\w+_key\(.*\)", text := ast.unparse(value)):
                yield re.sub(r"\(.*", "", text)


def _steps_of(user: str) -> Iterator[_Step]:
    for path in sources_of(user):
        tree = _tree(path)
        modules: dict[str, str] = {}
        named: set[tuple[str, str]] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == _STEPS_MODULE:
                modules |= {each.asname or each.name: each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{_STEPS_MODULE}."):
                named |= {(str(node.module).rpartition(".")[2], each.name) for each in node.names}
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                named.add((node.value.id, node.attr))
        for module, name in named:
            step = _steps().get((modules.get(module, module), name))
            if step is not None:
                yield step


def scripts_of(user: str) -> set[str]:
    """The names of the scripts that this user's process calls."""
    return {step.script for step in _steps_of(user)}


_NAME_IN_LUA: Final = re.compile(r"^local (?:function )?(\w+)(?: = '\w|\(\w+(?:, \w+)?\) return ).*", re.MULTILINE)
"""A line that gives a key its name, in the scripts of batches."""


@cache
def _text(script: str) -> str:
    """The script, without comments and without the functions of its includes that it does not call."""
    return without_unused(load_script(script).text)


def commands_of_scripts(user: str) -> set[str]:
    """The commands that the scripts of this user's process call."""
    calls = re.compile(r"redis\.p?call\('(?:(XINFO|XGROUP)', ')?([A-Z]+)'")
    return {"|".join(filter(None, names)) for script in scripts_of(user) for names in calls.findall(_text(script))}


def names_of_keys(user: str) -> set[str]:
    """How the steps and the scripts of this user's process write the names of their keys, but for those only read."""
    names: set[str] = set()
    for step in _steps_of(user):
        names |= _named_by(step.script) - _read_by(step.script) | step.keys
    return names


def names_of_keys_read_by_scripts(user: str) -> set[str]:
    """How the scripts of this user's process write the names of keys that a script does not declare and only reads."""
    return {name for script in scripts_of(user) for name in _read_by(script)}


def _named_by(script: str) -> set[str]:
    text = _text(script)
    named = _NAME_IN_LUA.finditer(text)
    return {each[1] for each in named if re.search(rf"\b{each[1]}\b", text.replace(each[0], ""))}


def _read_by(script: str) -> set[str]:
    text = _text(script)
    if text.startswith("#!lua flags=no-writes"):
        return _named_by(script)
    used = {name: re.findall(rf"redis\.call\('(\w+)', {name}\b", text) for name in _named_by(script)}
    # A name that is also given to something else than a command may be written there.
    plain = {name for name in used if len(re.findall(rf"\b{name}\b", text)) == len(used[name]) + 1}
    return {name for name in plain if {*used[name]} <= _READING}


_READING: Final = {"GET", "HGET", "HGETALL", "LLEN", "XRANGE", "XREVRANGE", "ZCARD", "ZRANGE"}
"""Commands that change nothing."""


def names_of_keys_read(user: str) -> set[str]:
    """The names of keys that the modules of this user's process give to commands of their own, or to a helper."""
    return {
        ast.unparse(node).partition("(")[0]
        for path in sources_of(user)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Name | ast.Attribute | ast.Call)
    } & _NAMED_IN_PYTHON


def commands_sent_by(user: str) -> set[str]:
    """The commands of redis-py's clients, and Redis' commands by name, in the modules of this user's process."""
    sent: set[str] = set()
    for path in sources_of(user):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                sent |= {node.value} & _BY_NAME
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value).rpartition(".")[2]
                if owner in _NAMES_OF_CLIENTS:
                    name = node.func.attr.upper().removesuffix("_ITER")
                    sent.add(re.sub("^(SCRIPT|XINFO)_", r"\1|", name))
    if "SCRIPT" in sent:
        sent = sent - {"SCRIPT"} | {"SCRIPT|LOAD"}
    return sent - _OF_THE_CLIENT


_BY_NAME: Final = frozenset(
    {
        *("BLMPOP", "BRPOP", "DEL", "EVAL", "GET", "HGET", "INFO", "KEYS", "LLEN", "LMPOP", "LRANGE", "PING"),
        *("PSUBSCRIBE", "PUBLISH", "SCAN", "SCRIPT", "SET", "SUBSCRIBE", "TIME", "UNSUBSCRIBE", "WAIT", "XLEN"),
        *("XRANGE", "XREAD", "ZCARD", "ZCOUNT", "ZRANGE", "ZSCORE"),
    }
)
"""Commands that a module may name."""

_OF_THE_CLIENT: Final = {"ACLOSE", "CLOSE", "EXECUTE", "EXECUTE_COMMAND", "GET_DATABASE", "PARSE_RESPONSE", "PIPELINE"}
"""Methods of redis-py's clients that are no commands."""

_NAMED_IN_PYTHON: Final = {
    *("BATCHES_KEY", "DEAD_KEY", "EVENTS_KEY", "HELD_KEY", "OPEN_KEY", "OPEN_ROWS_KEY", "QUEUE", "RESENT_KEY"),
    *("WAITING_CHUNKS_KEY", "SWEEPER_LEASE_KEY", "SWEEPER_PLACE_KEY", "CHUNKS.open_key", "CHUNKS.queue"),
    *("CHUNKS.resent_key", "CHUNKS.place_key", "SIGNUPS.queue", "batch_key", "chunks_key", "rate_key"),
    *("record_key", "result_key"),
}
"""Names of keys in modules of Python."""
