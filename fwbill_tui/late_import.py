"""Modules that others import at once and use seldom."""

from __future__ import annotations

import sys
import threading
from importlib import util
from typing import Any


def import_when_used(name: str) -> None:
    """Have a module imported when something of it is used first.

    The standard library's LazyLoader would import it as soon as a second module imports it (3.11).
    """
    spec = None if name in sys.modules else util.find_spec(name)
    if spec is None or spec.loader is None or name in sys.modules:  # its package, which is imported to find it, may want it
        return
    module, loader, lock, begun = util.module_from_spec(spec), spec.loader, threading.RLock(), False

    def found(attribute: str) -> Any:
        nonlocal begun
        with lock:
            if not begun:
                begun = True
                loader.exec_module(module)
                del module.__dict__["__getattr__"]
        try:
            return module.__dict__[attribute]
        except KeyError:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}") from None

    module.__dict__["__getattr__"] = found
    sys.modules[name] = module
    folder, _, last = name.rpartition(".")
    if folder:
        setattr(sys.modules[folder], last, module)
