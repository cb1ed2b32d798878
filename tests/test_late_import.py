"""Modules that are imported when something of them is used first."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


def told(program: str) -> str:
    """What a Python program of its own prints."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.strip()


LATE = """
    import sys, importlib
    from fwbill_tui.late_import import import_when_used
    for name in ("csv", "json.decoder", "importlib.metadata"):
        import_when_used(name)
"""


def test_a_module_that_was_only_imported_was_not_run() -> None:
    assert told(LATE + """
    import importlib.metadata
    print("email" in sys.modules, "zipfile" in sys.modules)
    """) == "False False"  # fmt: skip


@pytest.mark.parametrize(
    "use", ["importlib.metadata.version('polars')", "__import__('importlib.metadata').metadata.version('polars')"]
)
def test_it_is_whole_as_soon_as_it_is_used(use: str) -> None:
    import importlib.metadata

    assert told(LATE + f"""
    import importlib.metadata
    print({use}, hasattr(importlib.metadata, "nothing"), "__getattr__" in vars(importlib.metadata))
    """) == f"{importlib.metadata.version('polars')} False False"  # fmt: skip


def test_names_can_be_imported_from_it() -> None:
    assert told(LATE + """
    from csv import reader
    import csv
    print(next(reader(["1,2"])), reader is csv.reader)
    """) == "['1', '2'] True"  # fmt: skip


def test_what_its_own_package_imports_is_there_once() -> None:
    assert told(LATE + """
    from json.decoder import JSONDecoder
    import json
    print(JSONDecoder is json.JSONDecoder)
    """) == "True"  # fmt: skip


def test_its_package_need_not_be_imported_before_it() -> None:
    assert told("""
    import sys
    from fwbill_tui.late_import import import_when_used
    for name in ("ssl", "asyncio.sslproto"):
        import_when_used(name)
    import asyncio
    before = "_ssl" in sys.modules
    context = asyncio.base_events.sslproto._create_transport_context(False, None)
    print(before, "_ssl" in sys.modules, type(context) is asyncio.base_events.ssl.SSLContext)
    """) == "False True True"  # fmt: skip


def test_what_is_imported_already_stays() -> None:
    assert told("""
    import json
    before = json
    from fwbill_tui.late_import import import_when_used
    import_when_used("json")
    import_when_used("no_such_module_anywhere")
    print(__import__("json") is before)
    """) == "True"  # fmt: skip


def test_every_use_of_one_that_cannot_be_imported_says_why() -> None:
    assert told("""
    import sys
    from fwbill_tui.late_import import import_when_used
    sys.modules["_bz2"] = None  # as in a Python that was built without it
    import_when_used("bz2")
    import bz2
    for _ in range(2):
        try:
            bz2.BZ2File
        except ImportError as error:
            print("_bz2" in str(error), end=" ")
    """) == "True True"  # fmt: skip


def test_several_threads_that_use_it_first_all_find_it_whole() -> None:
    assert told(LATE + """
    import threading
    import importlib.metadata
    together, found = threading.Barrier(8), []

    def use():
        together.wait()
        found.append(importlib.metadata.version("polars"))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(len(found), len(set(found)))
    """) == "8 1"  # fmt: skip
