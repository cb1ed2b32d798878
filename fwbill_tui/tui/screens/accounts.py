"""Choose one of the accounts that a key opens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from fwbill_tui.tui.screens.boxed import Note
from fwbill_tui.tui.screens.dialog import Dialog
from fwbill_tui.tui.widgets.fields import ChoiceList
from fwbill_tui.usage.literal import literal

if TYPE_CHECKING:
    from fwbill_tui.fireworks.rest import Account


class AccountsScreen(Dialog[str]):
    """The accounts of a key; dismisses with the id of the chosen one."""

    HEADING = "Choose an account"
    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "accounts.tcss"]

    def __init__(self, accounts: Sequence[Account], *, chosen: str | None = None, note: str = "") -> None:
        """`chosen` is highlighted at first; `note` says why there is something to choose."""
        super().__init__()
        self._accounts = tuple(accounts)
        self._chosen = chosen
        self._note = note

    def compose_content(self) -> ComposeResult:
        """Why, then the accounts."""
        yield Note(self._note or f"This key opens {len(self._accounts)} accounts.", id="why")
        width = max((len(account.id) for account in self._accounts), default=0)
        yield ChoiceList(
            *(Option(_shown(account, width), id=account.id) for account in self._accounts), id="accounts", markup=False
        )

    def on_mount(self) -> None:
        """Start on the account chosen before, or on the first."""
        ids = [account.id for account in self._accounts]
        self.query_one(ChoiceList).highlighted = ids.index(self._chosen) if self._chosen in ids else 0

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)


def _shown(account: Account, width: int) -> Content:
    words = [literal(account.display_name)] if account.display_name not in ("", account.id) else []
    if account.suspend_state not in ("", "UNSUSPENDED"):
        words.append("suspended: " + literal(account.suspend_state).replace("_", " ").lower())
    if account.state not in ("", "READY"):
        words.append(literal(account.state).lower())
    return Content.assemble((account.id.ljust(width), "bold"), "  ", (" · ".join(words), "$text-muted"))
