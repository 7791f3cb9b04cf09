"""`customer-intake`: the local stack, tokens, keys, signups from files, batches, dead letters, and a calculator."""

from __future__ import annotations

import importlib
import os
from typing import Any, Final

import click

from cli.tell import tell_unknown
from startup.process import prepare_command

_COMMANDS: Final = {
    # command → its module and its name there
    "up": ("cli.stack.up", "up"),
    "status": ("cli.stack.status", "status"),
    "down": ("cli.stack.down", "down"),
    "console": ("cli.stack.console", "console"),
    "token": ("cli.token", "token"),
    "keys": ("cli.keys", "keys"),
    "submit": ("cli.submit", "submit"),
    "initial-password": ("cli.initial_password", "show_initial_password"),
    "batches": ("cli.batches.commands", "batches"),
    "plan": ("cli.planning.plan", "plan"),
    "dead-letters": ("cli.dead_letters", "dead_letters"),
    "webhooks": ("cli.webhooks.commands", "webhooks"),
}
"""Each command with the module that has it, and its name there."""


class _LazyGroup(click.Group):
    """Imports a command's module only when it is called: `token` need not wait for MongoDB's driver."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line; the console script calls this."""
        prepare_command()
        return super().__call__(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, name = _COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="customer-intake")
@click.pass_context
def main(context: click.Context) -> None:
    """Take in signups through a queue: customer.create, accepted at once, never lost or made twice."""
    # `up` tells it itself, once: with --detach it is called twice.
    if context.invoked_subcommand != "up":
        tell_unknown(os.environ)


if __name__ == "__main__":
    main()
