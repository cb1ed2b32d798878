"""The application: which screen comes first, and what leads from one to the next. Wiring only."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.console import RenderableType
from rich.text import Text
from textual import work
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.events import Event, Key, MouseEvent, Paste, Resize
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import Notify
from textual.reactive import Reactive
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.theme import Theme

from fwbill_tui.fireworks.errors import Cancelled, FireworksError
from fwbill_tui.sources.launch import Launch
from fwbill_tui.tui import garbage, themes
from fwbill_tui.tui.commands import Commands
from fwbill_tui.tui.key_order import KeysInOrder
from fwbill_tui.tui.screens.painting import BlankScreen
from fwbill_tui.tui.stderr_apart import stderr_apart
from fwbill_tui.tui.stylesheet import KeptStylesheet
from fwbill_tui.tui.widgets.scroll_bar import StripScrollBar
from fwbill_tui.tui.writing import Changes, Written
from fwbill_tui.usage.faults import own_fault
from fwbill_tui.usage.literal import literal
from fwbill_tui.usage.names import ExportFormatError

if TYPE_CHECKING:  # Polars takes as long to import as the login screen to paint, three times over
    from fwbill_tui.sources.head_start import HeadStart
    from fwbill_tui.tui.entrance import Doorway, Opening
    from fwbill_tui.tui.explorer.loads import ExplorerLoads
    from fwbill_tui.tui.keeping import Keeping
    from fwbill_tui.tui.screens.explorer import ExplorerScreen
    from fwbill_tui.tui.screens.login import LoginScreen, SignIn
    from fwbill_tui.tui.screens.open_files import OpenFiles

_STYLES = (
    "dialog", "explorer", "login", "accounts", "columns_dialog", "confirm", "date_range", "export_dialog", "group_dialog",
    "help", "open_files", "row_detail",
)  # fmt: skip
_GARBAGE = (3000, 3, 300)
"""When garbage is looked for: seldom enough that a key seldom waits for it, and then for some ten milliseconds."""
REJECTED_ROWS = 6
"""Exit code when `strict` was asked for and rows were set aside."""


def _style(screen: str) -> Path:
    return Path(__file__).parent / "screens" / f"{screen}.tcss"


class FwbillApp(Commands, App[int]):
    """Explore billing and usage of Fireworks AI."""

    TITLE = "fwbill"
    theme = Reactive(themes.DARK.name)
    """Chosen from the beginning: a change of it reads all styles anew."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "sign_in", "switch account, sign in, open other files", show=False),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),  # else no dialog would know of it
        Binding("ctrl+c", "quit", "quit", show=False),
    ]

    def __init__(self, launch: Launch, begun: HeadStart | None = None) -> None:
        """`launch` says what to open; without files and demo it is an account, by way of the login screen.

        `begun` is the load of its files, where it was begun before.
        """
        self._theme_in_use: Theme | None = None
        super().__init__(css_path=[_style("explorer")] if launch.inputs else [_style("dialog"), _style("login")])
        for theme in themes.THEMES:
            self.register_theme(theme)
        wanted = os.environ.get("FWBILL_THEME", "")
        self._no_theme = "" if not wanted or wanted in self.available_themes else wanted
        if wanted and not self._no_theme:
            self.set_reactive(FwbillApp.theme, wanted)  # before any style is read
        self.stylesheet = KeptStylesheet(variables=self.get_css_variables())
        self._launch = launch
        self._begun = begun
        self._held = ExitStack()
        self._doorway: Doorway | None = None
        self._keeping: Keeping | None = None
        """None for the demo: nothing of it outlasts the session."""
        self._replaced = False
        self._written = Written()
        self._keys = KeysInOrder(self)
        self._ending = threading.Event()
        self.rejected = 0
        """Rows that were set aside in the last load; said once more when the program ends."""

    def on_mount(self) -> None:
        """Go to the first screen."""
        ScrollBar.renderer = StripScrollBar
        # Threads that read and work out answers give way to a key, and to its painting, sooner than after five milliseconds.
        sys.setswitchinterval(0.001)
        self._heed_signals()
        if self._no_theme:
            there = ", ".join(sorted(self.available_themes))
            said = f"FWBILL_THEME: no theme is called {literal(self._no_theme)}: use one of {there}"
            self.notify(said, severity="warning", timeout=8, markup=False)
        if self._is_blank:
            self.enter()

    @property
    def _is_blank(self) -> bool:
        """Whether there is nothing but the screen that lies below all others."""
        return isinstance(self.screen, BlankScreen)

    def get_default_screen(self) -> Screen[Any]:
        """The explorer, where its files are being read already: a blank screen below it would be laid out and styled, too."""
        begun, self._begun = self._begun, None
        if begun is None:
            return BlankScreen()
        from fwbill_tui.tui.screens.explorer import ExplorerScreen

        explorer = ExplorerScreen(begun.source, self._launch.query, rejects=self._launch.rejects)
        explorer.begin_with(begun)
        explorer._push_result_callback(explorer, None)  # as if it was pushed: `switch_screen` takes one away (Textual 8.2)
        self._prepare(explorer)
        return explorer

    @property
    def current_theme(self) -> Theme:
        """The theme in use. Textual merges the dictionary of all themes to find it, twice for every line it paints (8.2)."""
        if self._theme_in_use is None or self._theme_in_use.name != self.theme:
            self._theme_in_use = super().current_theme
        return self._theme_in_use

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What lines go through. With NO_COLOR Textual makes all of a theme of the terminal's own colours black (8.2)."""
        filters = super().get_line_filters()
        if self.no_color and self.native_ansi_color:
            return [NoColor() if isinstance(each, Monochrome) else each for each in filters]
        return filters

    def update_styles(self, node: DOMNode, animate: bool = True) -> None:
        """Apply the styles of a node anew; one that is not mounted yet gets them then."""
        if node.is_attached:
            super().update_styles(node, animate=animate)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, (LayoutUpdate, ChopsUpdate)):
            renderable = cast("RenderableType", Changes(renderable, self._written))
        super()._display(screen, renderable)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, (Key, Paste)) and not event.is_forwarded:
            await self._keys.send(event, super().on_event)
        elif isinstance(event, MouseEvent) and not event.is_forwarded:
            await super().on_event(event)
            self._keys.behind(event)
        else:
            await super().on_event(event)

    def on_notify(self, event: Notify) -> None:
        """A message takes the place of the one of its kind before it: several would cover what lies below them."""
        new = event.notification
        for old in list(self._notifications):
            if old.title == new.title and (new.title or old.message == new.message):
                self._unnotify(old, refresh=False)

    def on_resize(self) -> None:
        """The terminal has another size, or shows the program again after it was stopped."""
        self._written.forget()

    def on_unmount(self) -> None:
        """End the embedded server, if there is one, and whatever waits for a keyring."""
        self._ending.set()
        self._held.close()

    def _when_painted(self) -> None:
        """The first screen is seen: do what would have held it up."""
        # What is there now stays: looking through all of it, even once, would hold up keys for tens of milliseconds.
        # But an explorer that was replaced is to go, with all its events.
        garbage.freeze(self.screen)
        gc.set_threshold(*_GARBAGE)
        gc.enable()
        self._warm_up()
        # A style that is read when its screen first opens restyles all that is open.
        for style in map(_style, _STYLES):
            if not self.stylesheet.has_source(str(style)):
                self.stylesheet.read(style)
        self.stylesheet.parse()

    @work(thread=True)
    def _warm_up(self) -> None:
        """Import what the explorer needs while the user looks at the login screen."""
        importlib.import_module("fwbill_tui.tui.screens.explorer")

    def _heed_signals(self) -> None:
        """Told to stop from outside, end in order: unfinished files are removed, the terminal is given back."""
        if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, self.exit, 128 + signal.SIGTERM)
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _hang_up(self) -> None:
        """The terminal is gone: Textual would wait for its keys for ever, so clean up and end here."""
        from fwbill_tui import owned_folder  # late, as few have such a folder

        for screen in self.screen_stack:
            if end_work := getattr(screen, "end_work", None):
                end_work()
        self._held.close()
        owned_folder.remove_all()
        os._exit(128 + signal.SIGHUP)

    def _handle_exception(self, error: Exception) -> None:
        """Textual (8.2) mounts no parts any more once the program is ending, and has screens go on that look for theirs."""
        if not (self._exit and isinstance(error, NoMatches)):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Say a fault of ours in one line. Textual would print a traceback with local variables, and one may be a key."""
        if not self._exit_renderables:  # of several, the first is what went wrong
            self._exit_renderables.append(Text(f"fwbill: {own_fault(self._exception)}"))
        self._close_messages_no_wait()

    # -- ways in -------------------------------------------------------------------------------------------------------
    @work(exclusive=True, group="entrance")
    async def enter(self, *, ask: bool = False) -> None:
        """Open what was asked for. `ask` goes to the login screen even where it could be skipped."""
        from fwbill_tui.tui.entrance import open_files, open_kept

        launch = self._launch
        try:
            if launch.inputs and not ask:
                await self._open(lambda: open_files(launch.inputs, launch, rollup=launch.rollup))
            elif launch.source == "archive" and not ask:
                await self._open(lambda: open_kept(launch))
            else:
                await self._sign_in(ask=ask)
        except (FireworksError, ExportFormatError, OSError, ValueError) as error:
            self.exit(1, message=str(error))

    async def _sign_in(self, *, ask: bool) -> None:
        from fwbill_tui.tui.entrance import open_files
        from fwbill_tui.tui.screens.login import OpenDemo, SignIn

        if self._doorway is None:
            self._doorway = await self._find_doorway(self._launch.demo_rows)
        note = ""
        while True:
            login = self._login_screen(self._doorway, note, ask=ask)
            login.call_after_refresh(self._when_painted)
            way: SignIn | OpenFiles | OpenDemo | None = await self.push_screen_wait(login)
            try:
                if isinstance(way, SignIn):
                    await self._open(partial(self._doorway.account, way.credential, way.account_id, self._launch))
                    self._settle(way)
                elif isinstance(way, OpenDemo):
                    self._doorway, ask = await self._find_doorway(DEMO_ROWS), False
                    continue
                elif way is not None:
                    await self._open(partial(open_files, way.arguments, self._launch))
                elif self._is_blank:  # there is no explorer to go back to
                    self.exit(0)
            except (FireworksError, ExportFormatError, OSError, ValueError) as error:
                note, ask = str(error), True
                continue
            return

    def _login_screen(self, doorway: Doorway, note: str, *, ask: bool) -> LoginScreen:
        from fwbill_tui.tui.entrance import check_with_archive
        from fwbill_tui.tui.screens.login import LoginScreen

        credentials, endpoints, keeping = doorway.credentials, doorway.endpoints, self._keeping
        last_account = (lambda _: None) if keeping is None else keeping.last_account
        check = None if ask else check_with_archive(doorway, self._launch, last_account)
        if keeping is None:
            return LoginScreen(credentials, endpoints, check=check, note=note, at_once=not ask, choose=ask)
        return LoginScreen(
            credentials,
            endpoints,
            check=check,
            search=keeping.search,
            last_account=keeping.last_account,
            account=keeping.named,
            note=note,
            at_once=not ask,
            choose=ask,
        )

    def _settle(self, way: SignIn) -> None:
        """Keep what is to outlast the session, without holding up what the user came for."""
        if (keeping := self._keeping) is not None:
            self.run_worker(partial(self._keep, keeping, way), thread=True, group="settle")

    def _keep(self, keeping: Keeping, way: SignIn) -> None:
        """In a worker's thread. A key or an account that cannot be kept is said, and nothing more: the sign-in holds."""
        try:
            if way.keep:
                name = keeping.keep(way.credential, way.account_id, self._ending)
                self.notify(f"The key is kept in {literal(name)}.", markup=False)
            keeping.remember(way.credential, way.account_id)
        except Cancelled:
            return
        except FireworksError as error:
            self.notify(literal(str(error)), title="The key is not kept", severity="warning", timeout=15, markup=False)
        except OSError as error:
            said = literal(f"the account is not remembered for the next time: {error.strerror or error}")
            self.notify(said, severity="warning", markup=False)

    async def _find_doorway(self, demo_rows: int | None) -> Doorway:
        from fwbill_tui.tui.entrance import Doorway, demo_doorway
        from fwbill_tui.tui.keeping import Keeping

        self._keeping = None
        if demo_rows is None:
            doorway = Doorway.of_machine(self._launch)
            self._keeping = Keeping.of_machine(doorway.endpoints, self._launch)
            return doorway
        return await asyncio.to_thread(demo_doorway, demo_rows, self._held)

    async def _open(self, make: Callable[[], Opening]) -> None:
        """Open the explorer on what `make` gives. It and the explorer's imports run in a thread: they take a while."""

        def prepare() -> tuple[Opening, type[ExplorerScreen]]:
            from fwbill_tui.tui.screens.explorer import ExplorerScreen

            return make(), ExplorerScreen

        opening, kind = await asyncio.to_thread(prepare)
        self._show(kind(opening.source, opening.query, account=opening.account, rejects=self._launch.rejects))

    def _show(self, explorer: ExplorerScreen) -> None:
        self._prepare(explorer)
        if isinstance(self.screen, type(explorer)):
            self._replaced = True
            garbage.will_pass(self.screen)
            self.switch_screen(explorer)
        else:
            self.push_screen(explorer)

    def _prepare(self, explorer: ExplorerScreen) -> None:
        explorer.on_resize(Resize(self.size, self.size))  # a class that it gets later would restyle all of it
        explorer.call_after_refresh(self._when_painted)

    def action_sign_in(self) -> None:
        """Choose another account, other files or the demo."""
        self.enter(ask=True)

    def on_explorer_loads_ended(self, message: ExplorerLoads.Ended) -> None:
        """Remember what the end of the program has to say."""
        self.rejected = message.rejected
        self.screen.call_after_refresh(self._tidy_up)

    @work
    async def _tidy_up(self) -> None:
        """Make ready what dialogs need, and let go of what the load left over. What is in use now stays, and is not looked
        through again.
        """
        from fwbill_tui.tui import warming

        warming.take_in(self.stylesheet, await asyncio.to_thread(warming.prepare, self.stylesheet))
        if self._replaced:
            self._replaced = False
            garbage.thaw()  # the explorer that is gone was among what stays
        garbage.collect(self)

    def get_key_display(self, binding: Binding) -> str:
        """How a key is written, the same wherever it is."""
        return super().get_key_display(binding).replace("⏎", "↵")


DEMO_ROWS = 100_000
"""Events of a demo that was chosen on the login screen."""


def run_explorer(launch: Launch, begun: HeadStart | None = None) -> int:
    """Open the explorer; returns the exit code. What must not be overlooked is said once more on stderr.

    `begun` is the load of its files, where it was begun before.
    """
    app = FwbillApp(launch, begun)
    with stderr_apart():
        code = app.run()
    if app.rejected:
        rows = "1 row could not be read and was" if app.rejected == 1 else f"{app.rejected:,} rows could not be read and were"
        where = f"see {literal(str(launch.rejects))}" if launch.rejects else "--rejects FILE writes them down"
        print(f"fwbill: {rows} not counted; {where}", file=sys.stderr)
        if launch.strict:
            return REJECTED_ROWS
    return code or app.return_code or 0
