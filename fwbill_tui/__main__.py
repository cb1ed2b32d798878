"""`fwbill` and `python -m fwbill_tui`: brings the command line and the explorer together."""

from __future__ import annotations

import os
import sys

from fwbill_tui.cli import quick

TYPE_CHECKING = False
if TYPE_CHECKING:  # without `typing`, as in `quick`
    from fwbill_tui.sources.launch import Launch

_SELDOM = (
    "importlib.metadata", "hashlib", "json",  # Polars wants them for Iceberg and other stores alone
    "ssl", "asyncio.sslproto",  # asyncio, for connections that come later, or never
    "bz2", "lzma", "base64", "mimetypes",
)  # fmt: skip
"""Modules that our libraries import at once, and that the first screen and most commands do without."""


def open_explorer(launch: Launch) -> int:
    """Open the screens; imported here, so that commands without a screen never load them."""
    import gc

    from fwbill_tui import settings

    settings.check(os.environ)  # here, where it can be said in a line
    gc.disable()  # a tenth of the time until the first screen, which enables it again; hardly anything of it is garbage
    begun = None
    if launch.inputs:
        from fwbill_tui.sources.head_start import HeadStart

        begun = HeadStart(launch)  # reads while the screens are imported
    from fwbill_tui.tui.app import run_explorer

    return run_explorer(launch, begun)


def main() -> None:
    """Run `fwbill` with the program's arguments and exit with its code."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from fwbill_tui.cli.streams import fill_in

        fill_in()
    text = quick.answer(sys.argv[1:], os.environ)
    if text is not None:
        sys.exit(quick.show(text))
    from fwbill_tui.late_import import import_when_used

    for seldom in _SELDOM:
        import_when_used(seldom)
    from fwbill_tui.cli.main import run

    sys.exit(run(sys.argv[1:], open_explorer=open_explorer))


if __name__ == "__main__":
    main()
