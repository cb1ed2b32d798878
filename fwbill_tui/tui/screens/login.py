"""Sign in: with what is on this machine already, with a pasted key, or without any, on exported files or the demo."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widgets import Button, Label, OptionList
from textual.widgets.option_list import Option

from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import Cancelled, FireworksError, TooManyRequests
from fwbill_tui.tui.screens.accounts import AccountsScreen
from fwbill_tui.tui.screens.dialog import Boxed, Note
from fwbill_tui.tui.screens.open_files import OpenFiles, OpenFilesScreen
from fwbill_tui.tui.widgets.fields import ChoiceList, Line
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:  # httpx and tenacity take longer to import than this screen to paint
    from fwbill_tui.fireworks.rest import Account
    from fwbill_tui.fireworks.retry import OnWait


@dataclass(frozen=True, slots=True)
class SignIn:
    """A credential that was tried, and the account to read with it."""

    credential: Credential
    account_id: str


@dataclass(frozen=True, slots=True)
class OpenDemo:
    """The user wants the demo."""


Check: TypeAlias = "Callable[[Credential, threading.Event, OnWait], Sequence[Account]]"
"""Ask for the accounts of a credential; raises FireworksError, and Cancelled once the event is set."""


def check_at(endpoints: Endpoints) -> Check:
    """Ask Fireworks itself."""

    def check(credential: Credential, cancelled: threading.Event, on_wait: OnWait) -> Sequence[Account]:
        from fwbill_tui.fireworks.rest import RestClient

        with RestClient(endpoints, credential, cancelled=cancelled, on_wait=on_wait) as client:
            return client.accounts()

    return check


class LoginScreen(Boxed, Screen[SignIn | OpenFiles | OpenDemo]):
    """The ways in; dismisses with one of them, or with None when the user quits.

    A pasted key leaves the line the moment it is tried, and is in memory only.
    """

    HEADING = "fwbill ─ usage and cost explorer for Fireworks AI"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "login.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next", key_display="tab"),
        Binding("o", "open_files", "Open files", show=False),
        Binding("d", "demo", "Demo", show=False),
        Binding("escape", "stop", "Cancel", key_display="esc"),
        Binding("q", "quit", "Quit"),
    ]
    TICK: ClassVar[float] = 1.0
    """Seconds of one step of the countdown."""
    LETTER_ACTIONS: ClassVar[frozenset[str]] = frozenset({"help", "open_files", "demo", "quit"})

    @dataclass
    class Checked(Message):
        """A credential opens these accounts."""

        number: int
        credential: Credential
        accounts: Sequence[Account]

    @dataclass
    class Refused(Message):
        """A credential opens nothing."""

        number: int
        error: FireworksError

    @dataclass
    class Waiting(Message):
        """The check goes on after so many seconds."""

        number: int
        seconds: float
        error: FireworksError

    def __init__(
        self,
        credentials: Sequence[Credential],
        endpoints: Endpoints,
        *,
        check: Check | None = None,
        folder: Path | None = None,
        note: str = "",
        at_once: bool = False,
    ) -> None:
        """`folder` is where exported files are looked for at first; `note` says why the user has to sign in (again).

        `at_once` tries the first usable credential without being told to; `esc` stops that.
        """
        super().__init__()
        self._credentials = tuple(credentials)
        self._host = endpoints.host
        self._check = check or check_at(endpoints)
        self._folder = folder
        self._note = note
        self._at_once = at_once
        self._number = 0
        """The number of the newest check; answers of older ones are dropped."""
        self._cancelled: threading.Event | None = None
        """Stops the check under way; None when there is none."""
        self._countdown = (0, "", "")
        """Seconds left, and what is said before and after them."""

    def compose_content(self) -> ComposeResult:
        """What was found, a line for a key, the ways without one, and how things stand."""
        if self._credentials:
            yield Label("Found on this machine", classes="caption")
            widths = [max(len(text) for text in column) for column in zip(*map(_columns, self._credentials), strict=True)]
            options = [Option(_shown(credential, widths), id=str(index)) for index, credential in enumerate(self._credentials)]
            yield ChoiceList(*options, id="found", markup=False)
        else:
            yield Label("No FIREWORKS_API_KEY and no firectl sign-in was found on this machine.", classes="caption")
        yield Label("Or paste an API key" if self._credentials else "Paste an API key", classes="caption")
        yield Line(password=True, placeholder="fw_…   kept in memory for this session only", id="key")
        with Horizontal(id="others"):
            yield Button("Open exported files…  (o)", id="files", compact=True)
            yield Button("Explore demo data  (d)", id="demo", compact=True)
        yield Note(id="status")

    def on_mount(self) -> None:
        """Start where `enter` does the most likely thing."""
        if self._credentials:
            found = self.query_one("#found", ChoiceList)
            found.highlighted = next((number for number, one in enumerate(self._credentials) if one.usable), 0)
            found.focus()
        else:
            self.query_one("#key", Line).focus()
        if self._note:
            self.query_one("#status", Note).refuse(self._note)
        self._ticks = self.set_interval(self.TICK, self._count_down, pause=True)
        usable = next((credential for credential in self._credentials if credential.usable), None)
        if self._at_once and usable is not None:
            self._try(usable)

    def on_unmount(self) -> None:
        """No check outlives its screen."""
        if self._cancelled is not None:
            self._cancelled.set()

    # -- the ways in -------------------------------------------------------------------------------------------------
    @on(OptionList.OptionSelected, "#found")
    def _take_found(self, event: OptionList.OptionSelected) -> None:
        self._try(self._credentials[event.option_index])

    @on(Line.Submitted, "#key")
    def _take_pasted(self, event: Line.Submitted) -> None:
        text = event.value.strip()
        event.input.clear()
        try:
            self._try(Credential.pasted(text))
        except FireworksError as error:
            self.query_one("#status", Note).refuse(str(error))

    @on(Button.Pressed, "#files")
    def action_open_files(self) -> None:
        """Ask for files."""
        self.action_stop()
        self.app.push_screen(OpenFilesScreen(self._folder or Path.cwd()), self._leave_with_files)

    def _leave_with_files(self, files: OpenFiles | None) -> None:
        if files is not None:
            self.dismiss(files)

    @on(Button.Pressed, "#demo")
    def action_demo(self) -> None:
        """Leave for the demo."""
        self.dismiss(OpenDemo())

    def action_quit(self) -> None:
        """Leave without a way in."""
        self.dismiss(None)

    # -- trying a credential -----------------------------------------------------------------------------------------
    def _try(self, credential: Credential) -> None:
        self.action_stop()
        note = self.query_one("#status", Note)
        if not credential.usable:
            note.refuse(f"{credential.origin}: {credential.problem}: choose another way in, or paste a key")
            return
        note.say(f"Trying {literal(credential.origin)} at {literal(self._host)}…")
        cancelled = self._cancelled = threading.Event()
        self.run_worker(partial(self._ask, self._number, credential, cancelled), thread=True, group="check")
        self.refresh_bindings()

    def _ask(self, number: int, credential: Credential, cancelled: threading.Event) -> None:
        """In a worker's thread: ask, and post what comes of it."""

        def waiting(seconds: float, error: FireworksError) -> None:
            self.post_message(self.Waiting(number, seconds, error))

        try:
            accounts = self._check(credential, cancelled, waiting)
        except Cancelled:
            return
        except FireworksError as error:
            self.post_message(self.Refused(number, error))
        else:
            self.post_message(self.Checked(number, credential, accounts))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`esc` has something to stop only while a check is under way."""
        return self._cancelled is not None if action == "stop" else super().check_action(action, parameters)

    def action_stop(self) -> None:
        """Give up the check under way; whatever it still answers is dropped."""
        self._number += 1
        if self._cancelled is not None:
            self._cancelled.set()
            self.query_one("#status", Note).say("Cancelled.")
        self._end_check()

    def on_login_screen_waiting(self, message: Waiting) -> None:
        """Say why it takes longer, and count down."""
        if message.number == self._number:
            self._start_countdown(message.seconds, f"{message.error.message}; trying again in", "")

    def on_login_screen_refused(self, message: Refused) -> None:
        """Say why not, and what to do."""
        if message.number != self._number:
            return
        self._end_check()
        error = message.error
        if isinstance(error, TooManyRequests) and error.retry_after:
            self._start_countdown(error.retry_after, f"{error.message}; you can try again in", f"{error.message}; try again now")
        else:
            self.query_one("#status", Note).refuse(literal(str(error)))

    def on_login_screen_checked(self, message: Checked) -> None:
        """Leave with the account that is meant, or ask which one."""
        if message.number != self._number:
            return
        self._end_check()
        credential, accounts = message.credential, message.accounts
        ids, meant = [account.id for account in accounts], credential.account_id
        if meant in ids or (meant is None and len(ids) == 1):
            self.dismiss(SignIn(credential, meant or ids[0]))
            return
        self.query_one("#status", Note).say("")
        names = f"{credential.place} names the account {meant}, which this key does not open; it opens:" if meant else ""

        def leave(chosen: str | None) -> None:
            if chosen is not None:
                self.dismiss(SignIn(credential, chosen))

        self.app.push_screen(AccountsScreen(accounts, note=names), leave)

    def _end_check(self) -> None:
        self._cancelled = None
        self._countdown = (0, "", "")
        self.refresh_bindings()

    def _start_countdown(self, seconds: float, before: str, after: str) -> None:
        self._countdown = (math.ceil(seconds) + 1, before, after)
        self._count_down()
        self._ticks.reset()
        self._ticks.resume()

    def _count_down(self) -> None:
        left, before, after = self._countdown
        if not left:
            self._ticks.pause()
            return
        left -= 1
        self._countdown = (left, before, after)
        self.query_one("#status", Note).refuse(literal(f"{before} {left} s" if left else after or f"{before} a moment"))


def _columns(credential: Credential) -> tuple[str, str]:
    account = f"account {credential.account_id}" if credential.account_id else "account unknown yet"
    return literal(credential.origin), literal(account) if credential.usable else "not usable"


def _shown(credential: Credential, widths: Sequence[int]) -> Content:
    origin, account = (text.ljust(width) for text, width in zip(_columns(credential), widths, strict=True))
    rest = literal(credential.place) + (f"  key …{credential.hint}" if credential.hint else "")
    mark = " " if credential.usable else "✗"
    return Content.assemble(f"{mark} ", (origin, "bold"), "  ", account, "  ", (rest, "$text-muted"))
