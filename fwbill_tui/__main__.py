"""`fwbill` and `python -m fwbill_tui`: brings the command line and the explorer together."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fwbill_tui.cli.main import run

if TYPE_CHECKING:
    from fwbill_tui.sources.launch import Launch


def open_explorer(launch: Launch) -> int:
    """Open the screens; imported here, so that commands without a screen never load them."""
    from fwbill_tui.tui.app import run_explorer

    return run_explorer(launch)


def main() -> None:
    """Run `fwbill` with the program's arguments and exit with its code."""
    sys.exit(run(sys.argv[1:], open_explorer=open_explorer))


if __name__ == "__main__":
    main()
