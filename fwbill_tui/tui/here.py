"""The folder that the user stands in."""

from __future__ import annotations

from pathlib import Path


def here() -> Path:
    """The current folder, or the user's own where that was removed meanwhile."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()
