"""Modules that others import at once and use seldom."""

from __future__ import annotations

import sys
import threading
from importlib import import_module, util
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any


def import_when_used(name: str) -> None:
    """Have a module imported when something of it is used first.

    The standard library's LazyLoader would import it as soon as a second module imports it (3.11).
    """
    spec = None if name in sys.modules else _found(name)
    if spec is None or spec.loader is None:
        return
    folder, _, last = name.rpartition(".")
    module, loader, lock, begun = util.module_from_spec(spec), spec.loader, threading.RLock(), False

    def found(attribute: str) -> Any:
        nonlocal begun
        if folder and not begun:
            import_module(folder)  # as an import would; it may use this very module
        with lock:
            if not begun:
                begun = True
                try:
                    loader.exec_module(module)
                except BaseException:
                    begun = False  # the next use is to say why, too
                    raise
                del module.__dict__["__getattr__"]
        try:
            return module.__dict__[attribute]
        except KeyError:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}") from None

    module.__dict__["__getattr__"] = found
    sys.modules[name] = module
    if folder in sys.modules:
        setattr(sys.modules[folder], last, module)


def _found(name: str) -> ModuleSpec | None:
    """Where a module is. `find_spec` alone would import its package, which may use it at once."""
    folder, _, _ = name.rpartition(".")
    if not folder:
        return util.find_spec(name)
    package = util.find_spec(folder)
    return package and PathFinder.find_spec(name, package.submodule_search_locations)
