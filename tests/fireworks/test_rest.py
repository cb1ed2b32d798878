from __future__ import annotations

import contextlib
import gzip
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.http import retry_after
from fwbill_tui.fireworks.rest import Account, RestClient
from fwbill_tui.fireworks.retry import RetryPolicy

KEY = "fw_canaryCANARYcanary"
CREDENTIAL = Credential.pasted(KEY)
ACME = {"name": "accounts/acme", "displayName": "Acme", "state": "READY", "suspendState": "UNSUSPENDED", "new": 1}
Answer = Callable[..., bytes]


@pytest.fixture
def accounts(serve: Any, quick: RetryPolicy) -> Callable[..., list[Account]]:
    """Asks a server that follows a script, and keeps the server as an attribute."""

    def ask(script: Callable[[Any], bytes | None], **options: Any) -> list[Account]:
        ask.server = serve(script)  # type: ignore[attr-defined]
        with RestClient(Endpoints(ask.server.url), CREDENTIAL, policy=quick, **options) as client:  # type: ignore[attr-defined]
            return client.accounts()

    return ask


def test_accounts_are_read_with_the_key_in_the_header(accounts: Any, answer: Answer) -> None:
    assert accounts(lambda _: answer(200, json.dumps({"accounts": [ACME]}))) == [Account("acme", "Acme", "READY", "UNSUSPENDED")]
    (request,) = accounts.server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("fwbill/")
    assert request.target == "/v1/accounts?pageSize=200"


def test_all_pages_are_read_over_one_connection(accounts: Any, answer: Answer) -> None:
    pages = {"": ("b", "two"), "two": ("c", "three"), "three": ("a", "")}

    def script(request: Any) -> bytes:
        name, following = pages[httpx.URL(request.target).params.get("pageToken", "")]
        return answer(200, json.dumps({"accounts": [{"name": f"accounts/{name}"}], "nextPageToken": following, "totalSize": 3}))

    assert [account.id for account in accounts(script)] == ["a", "b", "c"]
    assert {request.connection for request in accounts.server.requests} == {1}


def test_a_list_without_end_is_an_error(accounts: Any, answer: Answer) -> None:
    with pytest.raises(errors.UnexpectedAnswer, match="does not end"):
        accounts(lambda _: answer(200, json.dumps({"accounts": [], "nextPageToken": "again"})))


@pytest.mark.parametrize("listing", [(403, "{}"), (401, "{}"), (404, "{}"), (200, "{}"), (200, '{"accounts": null}')])
def test_a_key_that_cannot_list_names_its_account_by_verifying(accounts: Any, answer: Answer, listing: tuple[int, str]) -> None:
    def script(request: Any) -> bytes:
        if request.target == "/verifyApiKey":
            return answer(200, "", "X-Fireworks-Account-Id: accounts/hidden")
        return answer(*listing)

    assert accounts(script) == [Account("hidden")]


@pytest.mark.parametrize(
    ("listing", "verifying", "kind"),
    [
        (401, 401, errors.SignInRefused),
        (403, 403, errors.NoPermission),
        (403, 404, errors.NoPermission),
        (403, 200, errors.NoPermission),
        (200, 404, errors.NoSuchAccount),
        (200, 401, errors.SignInRefused),
        (412, 200, errors.AccountSuspended),
        (400, 200, errors.RequestRefused),
        (501, 200, errors.Unimplemented),
    ],
)
def test_a_refusal_that_verifying_does_not_lift_is_raised(
    accounts: Any, answer: Answer, listing: int, verifying: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        accounts(lambda request: answer(verifying if request.target == "/verifyApiKey" else listing, "{}"))


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_passing_trouble_is_waited_out(accounts: Any, answer: Answer, status: int) -> None:
    trouble = [answer(status, "busy")] * 3
    good = answer(200, json.dumps({"accounts": [ACME]}))
    assert len(accounts(lambda _: trouble.pop() if trouble else good)) == 1
    assert len(accounts.server.requests) == 4


def test_a_service_that_is_down_for_longer_than_we_wait_is_not_asked_again(accounts: Any, answer: Answer) -> None:
    with pytest.raises(errors.ServiceError) as caught:
        accounts(lambda _: answer(503, "", "Retry-After: 3600"))
    assert caught.value.retry_after == 3600
    assert len(accounts.server.requests) == 1


def test_what_never_passes_is_given_up(accounts: Any, answer: Answer) -> None:
    with pytest.raises(errors.TooManyRequests):
        accounts(lambda _: answer(429, "", "Retry-After: 0"))
    assert len(accounts.server.requests) == 10


def test_retry_after_is_honoured_in_both_forms() -> None:
    date = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    assert retry_after(httpx.Headers({"retry-after": "17"})) == 17
    assert retry_after(httpx.Headers({"retry-after": ""})) is None
    assert retry_after(httpx.Headers({"retry-after": "soon"})) is None
    assert retry_after(httpx.Headers({b"retry-after": b"\xb2"})) is None
    later = {
        "Retry-After": format_datetime(date + timedelta(seconds=42), usegmt=True),
        "Date": format_datetime(date, usegmt=True),
    }
    assert retry_after(httpx.Headers(later)) == 42
    past = {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}
    assert retry_after(httpx.Headers(past)) == 0


def test_a_reset_connection_is_tried_again(accounts: Any, answer: Answer) -> None:
    answers = [answer(200, json.dumps({"accounts": [ACME]})), answer(200, '{"acc', "Connection: close", length=500), b""]
    assert len(accounts(lambda _: answers.pop())) == 1


def test_half_a_character_does_no_harm(accounts: Any, answer: Answer) -> None:
    page = '{"accounts": [{"name": "accounts/acme", "displayName": "\\ud800"}], "nextPageToken": "\\ud800"}'
    answers = [answer(200, "{}"), answer(200, page)]
    (account,) = accounts(lambda _: answers.pop())
    assert account.display_name == "\\ud800"


def test_an_answer_that_is_cut_is_asked_for_again(accounts: Any, answer: Answer) -> None:
    whole = '{"accounts": [{"name": "accounts/acme"}]}'
    answers = [answer(200, whole), *(answer(200, whole[:length], length=None) for length in (1, 12, 39, len(whole) - 1))]
    assert [account.id for account in accounts(lambda _: answers.pop())] == ["acme"]
    assert answers == []
    with pytest.raises(errors.NetworkError, match="only in part"):
        accounts(lambda _: answer(200, whole[:20], length=None))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html>please log in</html>", "web page"),
        ("", "empty; this does not mean no usage"),
        ("[]", "not a JSON object"),
        ('{"accounts": {}}', "accounts has the wrong type"),
        ('{"accounts": [7]}', "wrong type"),
        ('{"accounts": [{"name": 7}]}', "name has the wrong type"),
        ('{"accounts": [{"name": "accounts/../x"}]}', "no proper name"),
        ('{"accounts": [{}]}', "no proper name"),
        ('{"accounts": [], "nextPageToken": 7}', "nextPageToken has the wrong type"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_an_answer_that_is_not_the_contracts_is_an_error_never_an_empty_list(
    accounts: Any, answer: Answer, body: str, said: str
) -> None:
    with pytest.raises(errors.UnexpectedAnswer, match=said):
        accounts(lambda _: answer(200, body))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("accounts/x"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["accounts", "name", "nextPageToken", "state"]), inner)
    ),
    max_leaves=8,
)


def test_any_json_is_read_or_refused(serve: Any, answer: Answer) -> None:
    body = ""
    server = serve(lambda request: answer(200, body) if "accounts" in request.target else answer(404))
    with RestClient(Endpoints(server.url), CREDENTIAL) as client:

        @settings(max_examples=150, deadline=None)
        @given(json_values)
        def ask(value: Any) -> None:
            nonlocal body
            body = json.dumps(value)
            with contextlib.suppress(errors.UnexpectedAnswer, errors.NoSuchAccount):
                assert all(isinstance(account, Account) for account in client.accounts())

        ask()


def test_an_answer_made_to_fill_the_memory_is_refused(accounts: Any, answer: Answer) -> None:
    bomb = gzip.compress(b" " * (80 << 20), 1)
    with pytest.raises(errors.UnexpectedAnswer, match="too large"):
        accounts(lambda _: answer(200, bomb, "Content-Encoding: gzip"))


def test_a_redirect_is_not_followed_and_takes_no_key_along(accounts: Any, serve: Any, answer: Answer) -> None:
    elsewhere = serve(lambda _: answer(200, json.dumps({"accounts": [ACME]})))
    with pytest.raises(errors.UnexpectedAnswer, match="another address"):
        accounts(lambda _: answer(307, "", f"Location: {elsewhere.url}/v1/accounts"))
    assert elsewhere.requests == []


def test_nobody_there_is_a_network_error(quick: RetryPolicy) -> None:
    client = RestClient(Endpoints("http://127.0.0.1:9"), CREDENTIAL, policy=quick)
    with client, pytest.raises(errors.NetworkError, match=r"accounts at 127\.0\.0\.1:9: not reached"):
        client.accounts()


def test_a_host_without_tls_is_not_trusted_and_not_tried_again(serve: Any, answer: Answer) -> None:
    server = serve(lambda _: answer(400))
    client = RestClient(Endpoints(server.url.replace("http:", "https:")), CREDENTIAL)
    with client, pytest.raises(errors.UntrustedConnection) as caught:
        client.accounts()
    assert KEY not in str(caught.value)
    assert len(server.connections) == 1


def test_silence_times_out(serve: Any, quick: RetryPolicy) -> None:
    server = serve(lambda _: None)
    client = RestClient(Endpoints(server.url), CREDENTIAL, policy=quick, timeout=httpx.Timeout(0.1))
    with client, pytest.raises(errors.TimedOut):
        client.accounts()


@pytest.mark.parametrize("started", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"])
def test_a_cancel_wakes_a_call_that_waits_for_its_answer(serve: Any, started: bytes) -> None:
    cancelled = threading.Event()
    arrived = threading.Event()

    def script(_: Any) -> bytes | None:
        arrived.set()
        return started or None

    server = serve(script)
    ended: list[BaseException] = []

    def ask() -> None:
        with RestClient(Endpoints(server.url), CREDENTIAL, cancelled=cancelled) as client:
            try:
                client.accounts()
            except errors.FireworksError as error:
                ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert arrived.wait(5)
    cancelled.set()
    thread.join(5)
    assert not thread.is_alive()
    assert [type(error) for error in ended] == [errors.Cancelled]
    assert not [left for left in threading.enumerate() if left.name.startswith("fwbill")]


def test_a_proxy_of_the_environment_never_sees_what_goes_to_this_machine(
    accounts: Any, serve: Any, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(lambda _: answer(502))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert accounts(lambda _: answer(200, json.dumps({"accounts": [ACME]})))
    assert proxy.requests == []


def test_an_sso_sign_in_cannot_be_used() -> None:
    with pytest.raises(errors.SignInRefused):
        RestClient(Endpoints(), Credential(None, "firectl profile default", "~/.fireworks/auth.ini", kind="sso"))
