"""What no command can mean: an option of one value that is typed twice, or an empty one."""

from __future__ import annotations

import click

from bench.base.errors import BenchError

MAY_BE_EMPTY = {"group_column", "exclude", "reason"}


def refuse_doubles_and_empty(command: click.Command, ctx: click.Context, args: list[str]) -> None:
    """Refuse an option that takes one value and is given twice, or that has an empty one; of a
    group, those of the command that is named. `ctx` is that of the command.
    """
    if isinstance(command, click.Group):
        if args and (inner := command.get_command(ctx, args[0])):
            refuse_doubles_and_empty(inner, click.Context(inner, ctx, args[0]), args[1:])
        return
    try:
        values, _, given = command.make_parser(ctx).parse_args(list(args))
    except click.UsageError:
        return  # the command itself says it better
    for option in given:
        name = option.opts[0]
        if not isinstance(option, click.Option) or option.is_flag:
            continue
        if not option.multiple and given.count(option) > 1:
            raise click.UsageError(f"{name} is given twice; give it once, a list with commas", ctx)
        each = values[option.name] if option.multiple else [values[option.name]]
        if option.name not in MAY_BE_EMPTY and not all(map(str.strip, each)):
            raise BenchError(f"{name} is empty; give it a value, or leave it out")
