"""`fwbill` and `fwbill FILE…` without a flag, the usual ways into the explorer: they need no parser."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fwbill_tui.cli.flags import COMMANDS
from fwbill_tui.cli.output import has_terminal

if TYPE_CHECKING:
    from fwbill_tui.sources.launch import Launch


def plain_launch(arguments: Sequence[str]) -> Launch | None:
    """What the explorer starts with; None where there is something to parse, or to refuse.

    The same as the command `explore` makes of these arguments.
    """
    if (arguments and arguments[0] in COMMANDS) or any(not word or word.startswith("-") for word in arguments):
        return None
    if sys.platform == "win32" or not has_terminal():  # click expands patterns where the shell does not
        return None
    from fwbill_tui.sources.launch import Launch
    from fwbill_tui.usage.query import Query

    if arguments:
        from fwbill_tui.files.inputs import UnreadableFile, expand

        try:
            expand(arguments)
        except UnreadableFile:
            return None
    return Launch(Query(), inputs=tuple(arguments))
