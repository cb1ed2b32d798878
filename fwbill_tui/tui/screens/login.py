"""Sign in: with what is on this machine already, with a pasted key, or without any, on exported files or the demo.

The keyring is looked into while the screen is shown: it may be slow, or wait to be unlocked, and must not be asked at all
where something else signs in.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.types import CSSPathType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import Cancelled, FireworksError, TooManyRequests
from fwbill_tui.tui.here import here
from fwbill_tui.tui.screens.boxed import BOXED_BINDINGS, Boxed, Note
from fwbill_tui.tui.widgets import checkbox
from fwbill_tui.tui.widgets.button import Button
from fwbill_tui.tui.widgets.fields import ChoiceList, Line
from fwbill_tui.tui.widgets.key_line import KeyLine
from fwbill_tui.tui.widgets.painted import Columns
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:  # httpx and tenacity take longer to import than this screen to paint
    from fwbill_tui.fireworks.rest import Account
    from fwbill_tui.fireworks.retry import OnWait
    from fwbill_tui.tui.screens.open_files import OpenFiles


class SignIn(NamedTuple):
    """A credential that was tried, and the account to read with it. `keep`: the user wants the key in the keyring."""

    credential: Credential
    account_id: str
    keep: bool = False


class OpenDemo:
    """The user wants the demo."""


Check: TypeAlias = "Callable[[Credential, threading.Event, OnWait], Sequence[Account]]"
"""Ask for the accounts of a credential; raises FireworksError, and Cancelled once the event is set."""
Search: TypeAlias = "Callable[[threading.Event], Sequence[Credential]]"
"""Look for further credentials, which may take seconds; raises Cancelled once the event is set."""
NOTHING = "No FIREWORKS_API_KEY and no firectl sign-in was found on this machine."
SEARCHING = "No FIREWORKS_API_KEY and no firectl sign-in; looking into the keyring…"


def check_at(endpoints: Endpoints) -> Check:
    """Ask Fireworks itself; for a sign-in that only firectl can use, make sure that there is one."""

    def check(credential: Credential, cancelled: threading.Event, on_wait: OnWait) -> Sequence[Account]:
        from fwbill_tui.fireworks.rest import Account, RestClient

        if account := credential.account_by_firectl:
            from fwbill_tui.fireworks.firectl import need_firectl

            need_firectl(os.environ)
            return [Account(account)]
        with RestClient(endpoints, credential, cancelled=cancelled, on_wait=on_wait) as client:
            return client.accounts()

    return check


class LoginScreen(Boxed, Screen["SignIn | OpenFiles | OpenDemo"]):
    """The ways in; dismisses with one of them, or with None when the user quits.

    A pasted key leaves the line the moment it is tried, and is in memory only, unless the user ticks that it be kept.
    """

    HEADING = "fwbill ─ usage explorer for Fireworks AI"
    AUTO_FOCUS = ""  # `on_mount` knows better than to take the first part
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "login.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        *BOXED_BINDINGS,
        Binding("tab", "app.focus_next", "Next", key_display="tab"),
        Binding("o", "open_files", "Open files", show=False),
        Binding("d", "demo", "Demo", show=False),
        Binding("escape", "back", "Cancel", key_display="esc"),
        Binding("q", "quit", "Quit"),
    ]
    TICK: ClassVar[float] = 1.0
    """Seconds of one step of the countdown."""
    LETTER_ACTIONS: ClassVar[frozenset[str]] = frozenset({"help", "open_files", "demo", "quit"})

    class Checked(Message):
        """A credential opens these accounts."""

        def __init__(self, number: int, credential: Credential, accounts: Sequence[Account]) -> None:
            super().__init__()
            self.number, self.credential, self.accounts = number, credential, accounts

    class Refused(Message):
        """A credential opens nothing."""

        def __init__(self, number: int, error: Exception) -> None:
            super().__init__()
            self.number, self.error = number, error

    class Waiting(Message):
        """The check goes on after so many seconds."""

        def __init__(self, number: int, seconds: float, error: FireworksError) -> None:
            super().__init__()
            self.number, self.seconds, self.error = number, seconds, error

    class Searched(Message):
        """Further credentials were found, or none."""

        def __init__(self, credentials: Sequence[Credential]) -> None:
            super().__init__()
            self.credentials = credentials

    def __init__(
        self,
        credentials: Sequence[Credential],
        endpoints: Endpoints,
        *,
        check: Check | None = None,
        search: Search | None = None,
        last_account: Callable[[Credential], str | None] = lambda _: None,
        account: str | None = None,
        note: str = "",
        at_once: bool = False,
        choose: bool = False,
    ) -> None:
        """`note` says why the user has to sign in (again).

        `at_once` tries the first usable credential without being told to, and opens the account opened last with it;
        `esc` stops that. `search` finds more, and is asked when the given ones don't sign in at once. `choose` offers
        several accounts even where the credential names one. `account` is the one that the user named for a pasted key.
        """
        super().__init__()
        self._credentials = tuple(credentials)
        self._host = endpoints.host
        self._check = check or check_at(endpoints)
        self._note = note
        self._at_once = at_once
        self._search = search
        self._last_account = last_account
        self._choose = choose
        self._account = account
        self._unasked = False
        """Whether the check under way was begun without the user."""
        self._keep = False
        """Whether the key under check is to be kept."""
        self._ending = threading.Event()
        self._number = 0
        """The number of the newest check; answers of older ones are dropped."""
        self._cancelled: threading.Event | None = None
        """Stops the check under way; None when there is none."""
        self._countdown = (0, "", "")
        """Seconds left, and what is said before and after them."""

    def compose_content(self) -> ComposeResult:
        """What was found, a line for a key, the ways without one, and how things stand."""
        yield Static(NOTHING, id="caption", classes="caption")
        if self._credentials:
            yield ChoiceList(id="found", markup=False)
        yield Static("An API key of the console (app.fireworks.ai)", classes="caption")
        with Columns(id="pasted"):
            yield KeyLine(password=True, placeholder="fw_…", id="key")
            yield checkbox.Check("keep in keyring", id="keep")
        with Columns(id="others"):
            yield Button("Open exported files…  (o)", id="files")
            yield Button("Explore demo data  (d)", id="demo")
        yield Note(id="status")

    def on_mount(self) -> None:
        """Start where `enter` does the most likely thing."""
        self._list_found()
        self.query_one("#found" if self._credentials else "#key").focus()
        if self._note:
            self.query_one("#status", Note).refuse(self._note)
        self._ticks = self.set_interval(self.TICK, self._count_down, pause=True)
        first = next((credential for credential in self._credentials if credential.usable or credential.named), None)
        if self._at_once and first is not None:
            self._try(first, unasked=True)
        if self._cancelled is None:
            self._begin_search()

    def on_unmount(self) -> None:
        """No check and no search outlives its screen."""
        self._ending.set()
        if self._cancelled is not None:
            self._cancelled.set()

    # -- what there is -----------------------------------------------------------------------------------------------
    def _list_found(self) -> None:
        """Show what was found, the first that is usable under the cursor."""
        caption = self.query_one("#caption", Static)
        if not self._credentials:
            caption.update(NOTHING)
            return
        caption.update("Found on this machine")
        if not self.query("#found"):
            self.query_one("#box").mount(ChoiceList(id="found", markup=False), after=caption)
        found = self.query_one("#found", ChoiceList)
        at = found.highlighted
        found.set_options(map(Option, _shown(self._credentials)))
        usable = (number for number, one in enumerate(self._credentials) if one.usable)
        found.highlighted = next(usable, 0) if at is None else at

    def _begin_search(self) -> None:
        """Look for more, once."""
        search, self._search = self._search, None
        if search is None:
            return
        if not self._credentials:
            self.query_one("#caption", Static).update(SEARCHING)
        # Once the screen is painted: what a keyring needs to be imported would hold that up.
        self.call_after_refresh(self.run_worker, partial(self._look, search), thread=True, group="search")

    def _look(self, search: Search) -> None:
        """In a worker's thread: search, and post what comes of it."""
        try:
            self.post_message(self.Searched(search(self._ending)))
        except Cancelled:
            return

    def on_login_screen_searched(self, message: Searched) -> None:
        """List what else was found; where nothing was tried yet, and nothing is being typed, try it."""
        nothing_before = not any(one.usable for one in self._credentials)
        self._credentials += tuple(message.credentials)
        self._list_found()
        line = self.query_one("#key", Line)
        usable = next((one for one in message.credentials if one.usable), None)
        if usable is None or line.value or self.app.screen is not self:
            return
        if self.focused in (None, line):  # none yet: the answer can come before the screen has settled
            self.query_one("#found").focus()
        if nothing_before and self._at_once and self._number == 0:
            self._try(usable, unasked=True)

    # -- the ways in -------------------------------------------------------------------------------------------------
    @on(OptionList.OptionSelected, "#found")
    def _take_found(self, event: OptionList.OptionSelected) -> None:
        self._try(self._credentials[event.option_index])

    @on(Line.Changed, "#key")
    def _typed(self) -> None:
        self.refresh_bindings()

    @on(Line.Submitted, "#key")
    def _take_pasted(self, event: Line.Submitted) -> None:
        text = event.value.strip()
        event.input.clear()
        try:
            self._try(Credential.pasted(text, self._account), keep=self.query_one("#keep", checkbox.Check).value)
        except FireworksError as error:
            self.query_one("#status", Note).refuse(str(error))

    @on(Button.Pressed, "#files")
    def action_open_files(self) -> None:
        """Ask for files."""
        from fwbill_tui.tui.screens.open_files import OpenFilesScreen

        self.action_stop()
        self.app.push_screen(OpenFilesScreen(here()), self._leave_with_files)

    def _leave_with_files(self, files: OpenFiles | None) -> None:
        if files is not None:
            self.dismiss(files)

    @on(Button.Pressed, "#demo")
    def action_demo(self) -> None:
        """Leave for the demo."""
        self.dismiss(OpenDemo())

    def action_quit(self) -> None:
        """Leave without a way in; over the explorer, leave that too."""
        if self._choose:
            self.app.exit()
        else:
            self.dismiss(None)

    # -- trying a credential -----------------------------------------------------------------------------------------
    def _try(self, credential: Credential, *, unasked: bool = False, keep: bool = False) -> None:
        self.action_stop()
        self._unasked, self._keep = unasked, keep
        note = self.query_one("#status", Note)
        if not credential.usable and not credential.account_by_firectl:
            note.refuse(f"{credential.origin}: {credential.problem}: choose another way in, or paste a key")
            return
        by = "through firectl" if credential.account_by_firectl else f"at {literal(self._host)}"
        note.say(f"Trying {literal(credential.origin)} {by}…")
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
        except (FireworksError, OSError, ValueError) as error:  # the latter two from the archive, or the query it was asked
            self.post_message(self.Refused(number, error))
        else:
            self.post_message(self.Checked(number, credential, accounts))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`esc` stops a check under way, and goes back to the explorer that the user came from."""
        if action == "back":
            return self._cancelled is not None or self._choose
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Give up the check under way, or else leave for where the user came from."""
        if self._cancelled is not None:
            self.action_stop()
        else:
            self.dismiss(None)

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
        self._begin_search()
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
        credential, keep = message.credential, self._keep
        ids, meant, last = [account.id for account in message.accounts], credential.account_id, self._last_account(credential)
        ask = len(ids) > 1 and self._choose and not self._unasked
        known = meant if meant else ids[0] if len(ids) == 1 else last if self._unasked else None
        if known in ids and not ask:
            self.dismiss(SignIn(credential, known, keep))
            return
        self.query_one("#status", Note).say("")
        strange = bool(meant) and meant not in ids
        why = f"{credential.place} names the account {meant}, which this key does not open; it opens:" if strange else ""

        def leave(chosen: str | None) -> None:
            if chosen is not None:
                self.dismiss(SignIn(credential, chosen, keep))

        from fwbill_tui.tui.screens.accounts import AccountsScreen

        self.app.push_screen(AccountsScreen(message.accounts, chosen=last or meant, note=why), leave)

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
    if not credential.usable and not credential.account_by_firectl:
        account = "not usable"
    return literal(credential.origin), literal(account)


def _how(credential: Credential) -> str:
    if credential.account_by_firectl:
        return "SSO through firectl"
    return f"key …{credential.hint}" if credential.hint else ""


def _shown(credentials: Sequence[Credential]) -> Iterator[Content]:
    """Of each its origin, its account, how it signs in, and where it was found; that below where one line is too short."""
    rows = [(*_columns(credential), _how(credential), literal(credential.place)) for credential in credentials]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    apart = "  " if sum(widths) + 2 * len(widths) <= _LINE else "\n└ "
    for credential, (origin, account, how, place) in zip(credentials, rows, strict=True):
        mark = " " if credential.usable or credential.account_by_firectl else "✗"
        rest = f"  {how.ljust(widths[2])}{apart}{place}"
        named = origin.ljust(widths[0])
        yield Content.assemble(f"{mark} ", (named, "bold"), f"  {account.ljust(widths[1])}", (rest, "$text-muted"))


_LINE = 68
"""Columns of a found credential in a box of 80, beside its mark and a scroll bar."""
