"""The login screen, against the embedded server where a key is checked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, OptionList

from fwbill_tui.demo.faults import Faults, refused
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.fireworks.credentials import SSO_ONLY, Credential, find_credentials
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.errors import Cancelled, NetworkError, NoPermission, NoSuchAccount, TooManyRequests, make
from fwbill_tui.fireworks.rest import Account
from fwbill_tui.tui.screens.accounts import AccountsScreen
from fwbill_tui.tui.screens.help import HelpScreen
from fwbill_tui.tui.screens.login import LoginScreen, OpenDemo, SignIn
from fwbill_tui.tui.screens.open_files import OpenFiles, OpenFilesScreen


@pytest.fixture(autouse=True)
def _no_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests count down themselves."""
    monkeypatch.setattr(LoginScreen, "TICK", 3600.0)


NOWHERE = Endpoints("http://127.0.0.1:9", "127.0.0.1:9")


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(rows=1000) as running:
        yield running


def endpoints(server: DemoServer) -> Endpoints:
    return Endpoints(server.base_url, server.gateway_addr)


def found(key: str, account: str | None = None) -> Credential:
    credential = Credential.pasted(key, account)
    return Credential(credential.key, "FIREWORKS_API_KEY", "environment", account_id=account)


async def settled(pilot) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_enter_signs_in_with_what_was_found(show, size, server) -> None:
    screen = LoginScreen([found(server.api_key, "acme-prod")], endpoints(server))
    async with show(screen, size) as pilot:
        text = "\n".join(pilot.app.lines())
        assert "FIREWORKS_API_KEY" in text
        assert "account acme-prod" in text
        assert server.api_key not in text
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(pilot.app.answer, SignIn)
        assert pilot.app.answer.account_id == "acme-prod"


async def test_a_pasted_key_is_masked_and_leaves_the_line_when_it_is_tried(show, size, server) -> None:
    screen = LoginScreen([], endpoints(server))
    async with show(screen, size) as pilot:
        line = screen.query_one("#key", Input)
        assert pilot.app.focused is line
        line.post_message(events.Paste(server.staging_key + "\n"))
        await pilot.pause()
        assert server.staging_key not in "\n".join(pilot.app.lines())
        await pilot.press("enter")
        assert line.value == ""
        await settled(pilot)
        assert pilot.app.answer.account_id == "acme-staging"
        assert server.staging_key not in repr(pilot.app.answer)


async def test_several_accounts_are_offered(show, size, server) -> None:
    screen = LoginScreen([found(server.api_key)], endpoints(server))
    async with show(screen, size) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, AccountsScreen)
        await pilot.press("down", "enter")
        await pilot.pause()
        assert pilot.app.answer.account_id == "acme-staging"


async def test_an_account_that_the_key_does_not_open_is_said(show, server) -> None:
    screen = LoginScreen([found(server.api_key, "other")], endpoints(server))
    async with show(screen) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert "names the account other, which this key does not open" in pilot.app.text_of("#why")
        await pilot.press("escape")
        assert pilot.app.screen is screen
        assert pilot.app.answer is pilot.app.no_answer


async def test_a_wrong_key_is_refused_with_what_to_do(show, size, server) -> None:
    screen = LoginScreen([], endpoints(server))
    async with show(screen, size) as pilot:
        await pilot.press(*"fw_wrongwrongwrong", "enter")
        await settled(pilot)
        status = pilot.app.text_of("#status")
        assert status.startswith("✗ ")
        assert "the key was refused" in status
        assert "fw_wrong" not in "\n".join(pilot.app.lines())
        assert pilot.app.focused is screen.query_one("#key")


async def test_a_key_without_permission(show, server) -> None:
    screen = LoginScreen([found(server.powerless_key)], endpoints(server))
    async with show(screen) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.text_of("#status").startswith("✗ ")
        assert pilot.app.answer is pilot.app.no_answer


@pytest.mark.parametrize("typed", ["", "fw abc", "fw_ключ"])
async def test_what_cannot_be_a_key_is_refused_without_a_call(show, typed: str) -> None:
    def never(*_: object) -> list[Account]:
        raise AssertionError("no call is made")

    screen = LoginScreen([], NOWHERE, check=never)
    async with show(screen) as pilot:
        screen.query_one("#key", Input).value = typed
        await pilot.press("enter")
        assert pilot.app.text_of("#status").startswith("✗ the API key")


@pytest.mark.parametrize("kind", [NoPermission, NoSuchAccount, NetworkError])
async def test_every_refusal_fits_its_place_and_says_what_to_do(show, size, kind) -> None:
    def refuse(*_: object) -> list[Account]:
        raise make(kind, "accounts at api.fireworks.ai", status="HTTP 499")

    screen = LoginScreen([found("fw_123456789012")], NOWHERE, check=refuse)
    async with show(screen, size) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        error = make(kind, "accounts at api.fireworks.ai", status="HTTP 499")
        assert pilot.app.text_of("#status") == f"✗ {error}"
        box, note = screen.query_one("#box").region, screen.query_one("#status").region
        assert note in box
        assert len(str(error)) <= note.area
        assert box in screen.region


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), ValueError("the range is empty")])
async def test_a_check_that_cannot_be_made_is_said(show, error: Exception) -> None:
    def broken(*_: object) -> list[Account]:
        raise error

    async with show(LoginScreen([found("fw_123456789012")], NOWHERE, check=broken)) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert str(error) in pilot.app.text_of("#status")


async def test_no_network_is_said(show) -> None:
    def refuse(credential: Credential, cancelled: threading.Event, on_wait: object) -> list[Account]:
        raise make(NetworkError, "accounts at 127.0.0.1:9", "not reached: connection refused")

    async with show(LoginScreen([found("fw_123456789012")], NOWHERE, check=refuse)) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert "check the network connection" in pilot.app.text_of("#status")


async def test_too_many_requests_counts_down_while_it_waits_and_can_be_cancelled(show) -> None:
    stopped = threading.Event()

    def wait(credential: Credential, cancelled: threading.Event, on_wait) -> list[Account]:
        on_wait(12.0, make(TooManyRequests, "accounts at api.fireworks.ai"))
        cancelled.wait(10)
        stopped.set()
        raise Cancelled

    screen = LoginScreen([found("fw_123456789012")], NOWHERE, check=wait)
    async with show(screen) as pilot:
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "too many requests; trying again in 12 s" in pilot.app.text_of("#status")
        screen._count_down()
        assert "trying again in 11 s" in pilot.app.text_of("#status")
        assert any("esc Cancel" in line for line in pilot.app.lines())
        await pilot.press("escape")
        await settled(pilot)
        assert stopped.is_set()
        assert pilot.app.text_of("#status") == "Cancelled."
        assert pilot.app.answer is pilot.app.no_answer


async def test_a_limit_that_is_not_waited_out_counts_down_to_the_next_try(show) -> None:
    def refuse(*_: object) -> list[Account]:
        raise TooManyRequests("accounts at api.fireworks.ai: too many requests", "wait a minute", retry_after=2)

    screen = LoginScreen([found("fw_123456789012")], NOWHERE, check=refuse)
    async with show(screen) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert "you can try again in 2 s" in pilot.app.text_of("#status")
        for _ in range(2):
            screen._count_down()
        assert pilot.app.text_of("#status").endswith("try again now")


async def test_the_service_itself_may_ask_to_wait(show) -> None:
    with DemoServer(rows=1000, faults=Faults((refused(429, route="rest.accounts", retry_after=0, times=1),))) as server:
        screen = LoginScreen([found(server.staging_key)], endpoints(server))
        async with show(screen) as pilot:
            await pilot.press("enter")
            await settled(pilot)
            assert pilot.app.answer.account_id == "acme-staging"


async def test_an_answer_to_a_check_that_was_given_up_is_dropped(show) -> None:
    go_on = threading.Event()

    def slow(credential: Credential, cancelled: threading.Event, on_wait: object) -> list[Account]:
        go_on.wait(5)
        return [Account("acme-prod")]

    screen = LoginScreen([found("fw_123456789012")], NOWHERE, check=slow)
    async with show(screen) as pilot:
        await pilot.press("enter", "escape")
        go_on.set()
        await settled(pilot)
        assert pilot.app.answer is pilot.app.no_answer


async def test_a_sign_in_that_cannot_be_used_says_why(show, size) -> None:
    sso = Credential(None, "firectl profile default", "~/.fireworks/auth.ini", kind="sso", problem=SSO_ONLY)
    async with show(LoginScreen([sso, found("fw_123456789012")], NOWHERE), size) as pilot:
        assert pilot.app.screen.query_one("#found", OptionList).highlighted == 1
        await pilot.press("up", "enter")
        assert "signed in by SSO without an API key" in pilot.app.text_of("#status")
        assert any("✗ firectl profile default" in line for line in pilot.app.lines())


async def test_a_file_that_was_named_and_is_not_there_is_not_passed_over_for_another(show, server, tmp_path) -> None:
    folder = tmp_path / ".fireworks"
    folder.mkdir()
    (folder / "auth.ini").write_text(f"api_key = {server.api_key}\naccount_id = acme-prod\n")
    credentials = find_credentials({"FIREWORKS_AUTH_FILE": str(tmp_path / "gone.ini")}, tmp_path)
    async with show(LoginScreen(credentials, endpoints(server), at_once=True)) as pilot:
        await settled(pilot)
        assert pilot.app.answer is pilot.app.no_answer
        assert "file of FIREWORKS_AUTH_FILE: there is no such file" in pilot.app.text_of("#status")
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.answer.account_id == "acme-prod"


async def test_a_sign_in_that_works_through_firectl_is_not_marked_as_refused(show) -> None:
    sso = Credential(
        None,
        "firectl profile default",
        "~/.fireworks/auth.ini",
        kind="sso",
        account_id="acme",
        problem=SSO_ONLY,
        profile="default",
    )
    async with show(LoginScreen([sso], NOWHERE)) as pilot:
        (line,) = [line for line in pilot.app.lines() if "firectl profile default" in line]
        assert "account acme  SSO through firectl" in line
        assert "✗" not in line


async def test_all_that_is_found_shows_where_it_is_from_and_the_end_of_its_key(show, size, server) -> None:
    sso = Credential(None, "firectl profile default", "~/.fireworks/auth.ini", "sso", "acme-prod", SSO_ONLY, profile="default")
    pasted = found("fw_0123456789abcd", "acme-prod")
    work = pasted._replace(origin="firectl profile work", place="~/.fireworks/profiles/work/auth.ini")
    async with show(LoginScreen([pasted, sso, work], NOWHERE), size) as pilot:
        await pilot.press("down", "down")
        text = "\n".join(pilot.app.lines())
        for shown in ("key …abcd", "└ environment", "SSO through firectl", "~/.fireworks/auth.ini", work.place):
            assert shown in text
        assert text.count("key …abcd") == 2


async def test_a_sign_in_that_needs_firectl_is_refused_where_there_is_none(show, monkeypatch, tmp_path) -> None:
    sso = Credential(None, "firectl profile default", "~/.fireworks/auth.ini", "sso", "acme-prod", SSO_ONLY, profile="default")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("FWBILL_FIRECTL", raising=False)
    async with show(LoginScreen([sso], NOWHERE)) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.answer is pilot.app.no_answer
        assert "firectl: it is not installed, or not on PATH: install firectl" in pilot.app.text_of("#status")
        program = tmp_path / "firectl"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o700)
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.answer.account_id == "acme-prod"


async def test_text_from_the_environment_is_literal(show) -> None:
    bad = Credential(None, "[bold]\x1b[31mred", "[/]~", problem="[oops]")
    async with show(LoginScreen([bad], NOWHERE, note="[red]expired[/]")) as pilot:
        text = "\n".join(pilot.app.lines())
        assert "[bold]␛[31mred" in text
        assert "[red]expired[/]" in text
        assert "\x1b" not in text


async def test_the_other_ways_in_and_out(show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "usage.csv").write_text("x")
    monkeypatch.chdir(tmp_path)
    async with show(LoginScreen([found("fw_123456789012")], NOWHERE)) as pilot:
        await pilot.press("d")
        assert isinstance(pilot.app.answer, OpenDemo)
    async with show(LoginScreen([found("fw_123456789012")], NOWHERE)) as pilot:
        await pilot.press("q")
        assert pilot.app.answer is None
    async with show(LoginScreen([found("fw_123456789012")], NOWHERE)) as pilot:
        await pilot.press("tab", "tab", "tab", "enter")
        assert isinstance(pilot.app.screen, OpenFilesScreen)
        await pilot.press("escape", "o", *"usage.csv")
        await settled(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.answer == OpenFiles((str(tmp_path / "usage.csv"),))


async def test_letters_are_keys_only_where_they_are_not_typed(show) -> None:
    async with show(LoginScreen([], NOWHERE)) as pilot:
        await pilot.press("f", "q", "d", "o", "question_mark")
        assert pilot.app.answer is pilot.app.no_answer
        assert pilot.app.screen.query_one("#key", Input).value == "fqdo?"
        footer = "\n".join(pilot.app.lines())
        assert "q Quit" not in footer
        await pilot.press("f1")
        assert isinstance(pilot.app.screen, HelpScreen)


@pytest.mark.parametrize(
    ("key", "leads_to"), [("d", OpenDemo), ("q", type(None)), ("o", OpenFilesScreen), ("question_mark", HelpScreen)]
)
async def test_letters_are_keys_while_the_line_for_a_key_is_empty(show, key: str, leads_to: type) -> None:
    async with show(LoginScreen([], NOWHERE)) as pilot:
        screen = pilot.app.screen
        assert pilot.app.focused is screen.query_one("#key")
        assert "q Quit" in "\n".join(pilot.app.lines())
        await pilot.press("f", "backspace", key)
        await pilot.pause()
        left = pilot.app.answer is not pilot.app.no_answer
        assert isinstance(pilot.app.answer if left else pilot.app.screen, leads_to)


# -- the keyring -------------------------------------------------------------------------------------------------------
async def test_the_tick_goes_along_with_a_pasted_key_alone(show, server) -> None:
    screen = LoginScreen([found(server.staging_key)], endpoints(server))
    async with show(screen) as pilot:
        await pilot.press("tab", *server.staging_key, "tab", "space")
        assert any("■ keep in keyring" in line for line in pilot.app.lines())
        await pilot.press("shift+tab", "enter")
        await settled(pilot)
        assert pilot.app.answer.keep is True
    screen = LoginScreen([found(server.staging_key)], endpoints(server))
    async with show(screen) as pilot:
        await pilot.press("tab", "tab", "space", "shift+tab", "shift+tab", "enter")
        await settled(pilot)
        assert pilot.app.answer.keep is False


async def test_what_the_keyring_has_is_listed_when_it_comes_and_tried_at_once(show, size, server) -> None:
    go_on = threading.Event()

    def search(_: threading.Event) -> list[Credential]:
        go_on.wait(5)
        return [Credential(found(server.staging_key).key, "OS keyring", "Test Keyring")]

    screen = LoginScreen([], endpoints(server), search=search, at_once=True)
    async with show(screen, size) as pilot:
        assert "looking into the keyring" in pilot.app.text_of("#caption")
        assert pilot.app.focused is screen.query_one("#key")
        go_on.set()
        await settled(pilot)
        await settled(pilot)
        assert pilot.app.answer.account_id == "acme-staging"


@pytest.mark.parametrize("typing", [False, True])
async def test_what_the_keyring_has_does_not_disturb(show, typing: bool) -> None:
    """Without at_once nothing is tried, and whoever types goes on typing."""
    go_on = threading.Event()
    late = Credential(found("fw_123456789012").key, "OS keyring", "Test Keyring")

    def search(_: threading.Event) -> list[Credential]:
        go_on.wait(5)
        return [late]

    def never(*_: object) -> list[Account]:
        raise AssertionError("no call is made")

    screen = LoginScreen([], NOWHERE, check=never, search=search, at_once=typing)
    async with show(screen) as pilot:
        if typing:
            await pilot.press("f", "w")
        go_on.set()
        await settled(pilot)
        assert any("OS keyring" in line for line in pilot.app.lines())
        assert pilot.app.focused is screen.query_one("#key" if typing else "#found")


async def test_the_keyring_is_not_asked_where_something_else_signs_in_and_is_asked_when_that_fails(show, server) -> None:
    asked = []

    def search(_: threading.Event) -> list[Credential]:
        asked.append(True)
        return []

    screen = LoginScreen([found(server.staging_key)], endpoints(server), search=search, at_once=True)
    async with show(screen) as pilot:
        await settled(pilot)
        assert pilot.app.answer.account_id == "acme-staging"
    assert asked == []
    screen = LoginScreen([found("fw_wrongwrongwrong")], endpoints(server), search=search, at_once=True)
    async with show(screen) as pilot:
        await settled(pilot)
        await settled(pilot)
        assert "the key was refused" in pilot.app.text_of("#status")
    assert asked == [True]


async def test_a_search_that_hangs_ends_with_the_screen(show) -> None:
    ended = threading.Event()

    def search(cancelled: threading.Event) -> list[Credential]:
        cancelled.wait(10)
        ended.set()
        raise Cancelled

    async with show(LoginScreen([], NOWHERE, search=search)) as pilot:
        await pilot.press("tab", "tab", "tab", "d")
        assert isinstance(pilot.app.answer, OpenDemo)
        await settled(pilot)
        assert ended.is_set()


# -- the last account --------------------------------------------------------------------------------------------------
async def test_the_last_account_is_opened_at_once_and_chosen_first_when_asked(show, server) -> None:
    last = {"FIREWORKS_API_KEY": "acme-staging"}

    def screen(**how: bool) -> LoginScreen:
        return LoginScreen([found(server.api_key)], endpoints(server), last_account=lambda one: last.get(one.origin), **how)

    async with show(screen(at_once=True)) as pilot:
        await settled(pilot)
        assert pilot.app.answer.account_id == "acme-staging"
    async with show(screen()) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, AccountsScreen)
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.answer.account_id == "acme-staging"
    last["FIREWORKS_API_KEY"] = "no-longer"
    async with show(screen(at_once=True)) as pilot:
        await settled(pilot)
        assert isinstance(pilot.app.screen, AccountsScreen)


async def test_another_account_can_be_chosen_where_the_sign_in_names_one(show, server) -> None:
    screen = LoginScreen([found(server.api_key, "acme-staging")], endpoints(server), choose=True)
    async with show(screen) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, AccountsScreen)
        await pilot.press("up", "enter")
        await pilot.pause()
        assert pilot.app.answer.account_id == "acme-prod"


async def test_q_quits_over_the_explorer_too(show) -> None:
    async with show(LoginScreen([found("fw_123456789012")], NOWHERE, choose=True)) as pilot:
        await pilot.press("q")
        assert pilot.app.return_value is None
        assert not pilot.app.is_running
        assert pilot.app.answer is pilot.app.no_answer


async def test_the_account_that_the_user_named_is_that_of_a_pasted_key(show, server) -> None:
    async with show(LoginScreen([], endpoints(server), account="accounts/acme-staging")) as pilot:
        await pilot.press(*server.api_key, "enter")
        await settled(pilot)
        assert pilot.app.answer.account_id == "acme-staging"
