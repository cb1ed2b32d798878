from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwbill_tui.fireworks.authfile import parse_auth_file
from fwbill_tui.fireworks.credentials import Credential, account_id, check_key, find_credentials
from fwbill_tui.fireworks.errors import BadAccountId, BadKey, SignInRefused
from fwbill_tui.fireworks.secret import Secret

KEY = "fw_3ZcanaryCANARY1234"
OTHER = "fw_otherOTHERother9876"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".fireworks").mkdir()
    return tmp_path


def write(home: Path, name: str, text: str) -> Path:
    path = home / ".fireworks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def summary(credentials: list[Credential]) -> list[tuple[str, str, str, str | None]]:
    return [(found.origin, found.kind, found.key.reveal() if found.key else "", found.account_id) for found in credentials]


def test_nothing_is_found_on_a_bare_machine(tmp_path: Path) -> None:
    assert find_credentials({}, tmp_path) == []
    assert find_credentials({"FIREWORKS_API_KEY": ""}, tmp_path) == []


def test_the_environment_comes_before_firectls_files(home: Path) -> None:
    write(home, "auth.ini", f"api_key = {OTHER}\naccount_id = filed\n")
    write(home, "profiles/work/auth.ini", f"[fireworks]\napi_key = {OTHER}\naccount_id = accounts/work-1\n")
    environ = {"FIREWORKS_API_KEY": KEY, "FIREWORKS_ACCOUNT_ID": "accounts/chosen"}
    found = find_credentials(environ, home)
    assert summary(found) == [
        ("FIREWORKS_API_KEY", "api_key", KEY, "chosen"),
        ("firectl profile default", "api_key", OTHER, "chosen"),
        ("firectl profile work", "api_key", OTHER, "work-1"),
    ]
    assert [one.place for one in found] == ["environment", "~/.fireworks/auth.ini", "~/.fireworks/profiles/work/auth.ini"]
    assert [one.hint for one in found] == ["1234", "9876", "9876"]
    assert all(one.usable for one in found)


def test_a_chosen_profile_comes_first_with_its_own_account(home: Path) -> None:
    write(home, "auth.ini", f"api_key = {OTHER}")
    write(home, "profiles/work/auth.ini", f"api_key = {OTHER}\naccount_id = work-1")
    environ = {"FIREWORKS_API_KEY": KEY, "FIREWORKS_ACCOUNT_ID": "chosen", "FIREWORKS_PROFILE": "work"}
    assert summary(find_credentials(environ, home)) == [
        ("firectl profile work", "api_key", OTHER, "work-1"),
        ("FIREWORKS_API_KEY", "api_key", KEY, "chosen"),
        ("firectl profile default", "api_key", OTHER, "chosen"),
    ]


def test_an_auth_file_named_by_the_environment_comes_before_the_usual_one(home: Path, tmp_path: Path) -> None:
    write(home, "auth.ini", f"api_key = {OTHER}")
    named = tmp_path / "elsewhere.ini"
    named.write_text(f"api_key = {KEY}")
    found = find_credentials({"FIREWORKS_AUTH_FILE": str(named)}, home)
    assert [one.origin for one in found] == ["file of FIREWORKS_AUTH_FILE", "firectl profile default"]
    same = find_credentials({"FIREWORKS_AUTH_FILE": str(home / ".fireworks/auth.ini")}, home)
    assert [one.origin for one in same] == ["file of FIREWORKS_AUTH_FILE"]


@pytest.mark.parametrize(
    "environ", [{"FIREWORKS_PROFILE": "gone"}, {"FIREWORKS_PROFILE": "../x"}, {"FIREWORKS_AUTH_FILE": "/nowhere/auth.ini"}]
)
def test_a_place_that_was_named_and_is_not_there_is_said(home: Path, environ: dict[str, str]) -> None:
    (found,) = find_credentials(environ, home)
    assert found.problem
    assert not found.usable


def test_a_browser_sign_in_without_a_key_is_shown_as_sso(home: Path) -> None:
    write(home, "auth.ini", "issuer_url = https://cognito\nid_token = eyJcanary\nrefresh_token = canary\naccount_id = acme\n")
    (found,) = find_credentials({}, home)
    assert (found.kind, found.key, found.account_id, found.usable) == ("sso", None, "acme", False)
    assert "firectl" in found.problem
    assert "canary" not in repr(found)
    with pytest.raises(SignInRefused, match="firectl only"):
        found.require_key()


def test_a_key_beside_sso_tokens_is_used(home: Path) -> None:
    write(home, "auth.ini", f"id_token = x\napi_key = {KEY}\n")
    assert summary(find_credentials({}, home)) == [("firectl profile default", "api_key", KEY, None)]


def test_the_account_of_settings_ini_is_the_last_resort(home: Path) -> None:
    write(home, "auth.ini", f"api_key = {KEY}")
    write(home, "settings.ini", "[default]\naccount_id = from-settings\n")
    assert find_credentials({}, home)[0].account_id == "from-settings"
    assert find_credentials({"FIREWORKS_ACCOUNT_ID": "env"}, home)[0].account_id == "env"


@pytest.mark.parametrize(
    "text",
    [
        f"api_key={KEY}",
        f"﻿api_key = {KEY}\r\n",
        f"# api_key = {OTHER}\n; api_key = {OTHER}\n[fireworks]\napi-key = '{KEY}'\n",
        f'[default]\nAPI_KEY = "{KEY}"  # mine\n',
        f"[other]\napi_key : {KEY} ; a comment\n",
        f"[other]\napi_key = {OTHER}\n[fireworks]\napi_key = {KEY}\n",
        f"account_id = a\n\n\tapi_key\t=\t{KEY}\nnonsense\n[broken\n= x\n",
        f"api_key =\napi_key = {KEY}\n",
    ],
)
def test_auth_files_are_read_leniently(text: str) -> None:
    assert parse_auth_file(text.removeprefix("﻿")).api_key == KEY


def test_a_byte_order_mark_does_no_harm(home: Path) -> None:
    (home / ".fireworks/auth.ini").write_bytes(b"\xef\xbb\xbfapi_key = " + KEY.encode())
    assert find_credentials({}, home)[0].usable


PIECES = st.sampled_from([b"api_key", b"account-id", b"id_token", b"=", b":", b"'", b"#", b" ", b"\n", b"[fireworks]"])


@given(st.binary(max_size=300) | st.lists(PIECES | st.binary(max_size=5)).map(b"".join))
def test_any_bytes_in_an_auth_file_are_read_or_passed_over(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    found = parse_auth_file(text)
    for value in (found.api_key, found.account_id):
        assert value in text
        assert len(value.splitlines()) <= 1
    assert not found.signed_in or "token" in text.lower()


def test_a_file_that_cannot_be_read_is_listed_with_the_reason(home: Path) -> None:
    (home / ".fireworks/auth.ini").mkdir()
    write(home, "profiles/big/auth.ini", "x" * (2 << 20))
    os.mkfifo(write(home, "profiles/pipe/keep", "").with_name("auth.ini"))
    assert ["cannot be read" in one.problem for one in find_credentials({}, home)] == [True, True, True]


@pytest.mark.parametrize("key", ["fw_a b", "fw_a\n", " fw_a", "fw_a\tb", "fw_ä", "fw_\x1b[0m", "", "fw_​x", "x" * 5000])
def test_what_cannot_be_a_key_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(BadKey) as caught:
        check_key(key)
    assert not key or key not in str(caught.value)


def test_a_bad_key_in_the_environment_is_listed_but_not_usable(home: Path) -> None:
    (found,) = find_credentials({"FIREWORKS_API_KEY": KEY + "\n"}, home)
    assert not found.usable
    assert "line break" in found.problem
    assert KEY not in repr(found)


def test_a_bad_account_id_makes_the_credential_unusable_and_names_its_place(home: Path) -> None:
    write(home, "auth.ini", f"api_key = {KEY}\naccount_id = ../../etc")
    environ = {"FIREWORKS_API_KEY": KEY, "FIREWORKS_ACCOUNT_ID": "a/b"}
    problems = [one.problem for one in find_credentials(environ, home)]
    assert [problem.partition(":")[0] for problem in problems] == ["FIREWORKS_ACCOUNT_ID"] * 2
    assert "~/.fireworks/auth.ini" in find_credentials({}, home)[0].problem


@pytest.mark.parametrize(("text", "bare"), [("acme", "acme"), ("accounts/acme-prod_1.x", "acme-prod_1.x"), (" acme\n", "acme")])
def test_both_ways_of_naming_an_account(text: str, bare: str) -> None:
    assert account_id(text) == bare


@pytest.mark.parametrize(
    "text", ["", "accounts/", "a/b", "accounts/a/b", "..", ".x", "-x", "a b", "ä", "a?b", "a%2fb", "x" * 200]
)
def test_an_account_id_never_breaks_out_of_a_path(text: str) -> None:
    with pytest.raises(BadAccountId):
        account_id(text)


def test_a_pasted_key_is_checked_and_kept_in_memory() -> None:
    credential = Credential.pasted(KEY, "accounts/acme")
    assert (credential.account_id, credential.hint, credential.require_key().reveal()) == ("acme", "1234", KEY)
    with pytest.raises(BadKey):
        Credential.pasted("two words")


def test_a_secret_shows_itself_to_nobody_who_does_not_ask() -> None:
    secret = Secret(KEY)
    credential = Credential.pasted(KEY)
    for shown in (repr(secret), f"{secret}", f"{secret!r:>40}", f"{secret:>40}", repr(credential), f"{[credential]}"):
        assert KEY not in shown
    for copied in (lambda: pickle.dumps(secret), lambda: copy.deepcopy(credential)):
        with pytest.raises(TypeError, match="secret"):
            copied()
    assert secret == Secret(KEY)
    assert secret != Secret(OTHER)
    assert secret != KEY
    assert len({secret, Secret(KEY), Secret(OTHER)}) == 2
