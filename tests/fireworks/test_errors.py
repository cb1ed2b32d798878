from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.errors import FireworksError, from_grpc, from_http, one_line, redact

KEY = "fw_3ZkTq9canaryKEYcanary"
LINK = "https://storage.googleapis.com/b/o.csv?X-Goog-Signature=deadbeef&X-Goog-Expires=60"


def every_error() -> list[type[FireworksError]]:
    found, rest = [], [FireworksError]
    while rest:
        kind = rest.pop()
        found.append(kind)
        rest += kind.__subclasses__()
    return found


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.RequestRefused),
        (401, errors.SignInRefused),
        (403, errors.NoPermission),
        (404, errors.NoSuchAccount),
        (405, errors.Unimplemented),
        (412, errors.AccountSuspended),
        (429, errors.TooManyRequests),
        (500, errors.ServiceError),
        (501, errors.Unimplemented),
        (502, errors.ServiceError),
        (503, errors.ServiceError),
        (504, errors.TimedOut),
        (302, errors.UnexpectedAnswer),
        (418, errors.UnexpectedAnswer),
    ],
)
def test_an_http_status_names_the_error(status: int, kind: type[FireworksError]) -> None:
    error = from_http(status, b"", where="accounts at api.fireworks.ai")
    assert type(error) is kind
    assert str(error).startswith("accounts at api.fireworks.ai: ")
    assert error.advice in str(error)


def test_both_envelopes_are_quoted_and_web_pages_are_not() -> None:
    control = json.dumps({"code": 7, "message": "admin required", "details": []}).encode()
    inference = json.dumps({"error": {"message": "Account acme is suspended", "code": "PRECONDITION_FAILED"}}).encode()
    assert 'service says "admin required"' in str(from_http(403, control, where="x"))
    assert 'service says "Account acme is suspended"' in str(from_http(412, inference, where="x"))
    assert "html" not in str(from_http(502, b"<html><body>Bad gateway</body></html>", where="x"))
    assert "service says" not in str(from_http(500, b"[" * 100_000, where="x"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNAUTHENTICATED", errors.SignInRefused),
        ("PERMISSION_DENIED", errors.NoPermission),
        ("NOT_FOUND", errors.NoSuchAccount),
        ("RESOURCE_EXHAUSTED", errors.TooManyRequests),
        ("UNIMPLEMENTED", errors.Unimplemented),
        ("UNAVAILABLE", errors.NetworkError),
        ("DEADLINE_EXCEEDED", errors.TimedOut),
        ("INVALID_ARGUMENT", errors.RequestRefused),
        ("INTERNAL", errors.ServiceError),
        ("SOMETHING_NEW", errors.ServiceError),
    ],
)
def test_a_grpc_status_names_the_error(code: str, kind: type[FireworksError]) -> None:
    error = from_grpc(code, "details of it", where="ExportBillingMetrics at gateway.fireworks.ai:443")
    assert type(error) is kind
    assert code in str(error)


@given(st.text(), st.sampled_from([KEY, LINK, f"Bearer {KEY}", f"x-api-key: {KEY}"]), st.text())
def test_whatever_a_service_says_gets_out_as_one_harmless_line_without_secrets(before: str, secret: str, after: str) -> None:
    said = f"{before} {secret} {after}"
    for error in (
        from_http(401, json.dumps({"message": said}).encode(), where="x"),
        from_http(400, said.encode("utf-8", "replace"), where="x"),
        from_grpc("INTERNAL", said, where="x"),
        from_grpc("UNAVAILABLE", said, where="x"),
        FireworksError(said, "advice"),
    ):
        line = str(error)
        assert line.isprintable()
        assert len(line) < 1000
        assert "canary" not in line
        assert "deadbeef" not in line


def test_a_key_of_another_form_is_redacted_when_it_is_known() -> None:
    assert redact("bad key s3cret-value!", "s3cret-value") == "bad key [redacted]!"


def test_every_error_says_whether_trying_again_helps() -> None:
    transient = {kind.__name__ for kind in every_error() if kind.transient}
    everywhere = {kind.__name__ for kind in every_error() if kind.everywhere}
    assert transient == {"CutShort", "NetworkError", "TimedOut", "TooManyRequests", "ServiceError"}
    assert not transient & everywhere
    assert {"SignInRefused", "NoPermission", "NoSuchAccount", "AccountSuspended", "Cancelled"} <= everywhere


def test_a_long_line_is_cut() -> None:
    assert one_line("a\nb\t\x1b[31mc‮d") == "a b [31mc d"
    assert re.fullmatch("x{299}…", one_line("x" * 10_000))
