"""`billingUsage` asked as the service of the day will answer it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fwbill_tui.fireworks import errors
from fwbill_tui.fireworks.billing_usage import NO_KEYS, NO_TRAINING, BillingUsage, Usage
from fwbill_tui.fireworks.credentials import Credential
from fwbill_tui.fireworks.endpoints import Endpoints
from fwbill_tui.fireworks.rest import RestClient
from fwbill_tui.fireworks.retry import RetryPolicy
from fwbill_tui.usage.query import TimeRange

WEEK = TimeRange(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC))
DAY = {"startTime": "2026-10-01T00:00:00Z", "endTime": "2026-10-02T00:00:00Z"}
GROUPED = {"model_name": "accounts/fireworks/models/kimi-k3", "api_key_id": "key_a", "api_key_name": "ci"}
FULL = {
    "serverlessCosts": [{**DAY, "promptTokens": "5", "group": GROUPED}],
    "dedicatedCosts": [{**DAY, "deploymentId": "d1", "acceleratorSeconds": "7"}],
    "trainingCosts": [{**DAY, "jobId": "j1", "tokens": "3"}],
}
Question = dict[str, list[str]]


@pytest.fixture
def read(serve: Any, answer: Any, quick: RetryPolicy) -> Iterator[Callable[..., list[Usage]]]:
    """Reads a week, so many times, from a server whose answers `script` gives: an object, or a status that refuses."""

    def run(script: Callable[[Question], dict[str, Any] | int], *, times: int = 1, time_zone: str = "UTC") -> list[Usage]:
        def respond(request: Any) -> bytes:
            url = urlsplit(request.target)
            run.questions.append(parse_qs(url.query))  # type: ignore[attr-defined]
            assert url.path == "/v1/accounts/acme/billingUsage"
            content = script(run.questions[-1])  # type: ignore[attr-defined]
            return (
                answer(content, '{"code": 3, "message": "no"}') if isinstance(content, int) else answer(200, json.dumps(content))
            )

        server = serve(respond)
        with RestClient(Endpoints(server.url), Credential.pasted("fw_canaryCANARY"), policy=quick) as client:
            usage = BillingUsage(client, "acme", time_zone=time_zone)
            return [usage.read(WEEK) for _ in range(times)]

    run.questions = []  # type: ignore[attr-defined]
    return run


def questions(read: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Usage type and grouping of each question."""
    return [(one.get("usageType", [""])[0], tuple(one.get("groupBy", []))) for one in read.questions]


def test_one_question_tells_all(read: Any) -> None:
    (usage,) = read(lambda _: FULL, time_zone="Europe/Berlin")
    assert usage.notes == ()
    assert [row["usage_type"] for row in usage.rows] == ["SERVERLESS", "DEDICATED_DEPLOYMENT", "TRAINING"]
    (question,) = read.questions
    assert question["startTime"] == ["2026-10-01T00:00:00Z"]
    assert question["endTime"] == ["2026-10-08T00:00:00Z"]
    assert question["timezone"] == ["Europe/Berlin"]
    assert {"model_name", "api_key_id", "api_key_name", "deployment_name", "job_id"} <= set(question["groupBy"])


def test_utc_is_not_asked_for_by_name(read: Any) -> None:
    read(lambda _: FULL)
    assert "timezone" not in read.questions[0]


def test_what_is_refused_is_asked_with_less_and_not_again(read: Any) -> None:
    read(lambda question: 400 if "api_key_name" in question["groupBy"] else FULL, times=2)
    assert ["api_key_name" in grouping for _, grouping in questions(read)] == [True, False, False]


def one_dimension(question: Question) -> dict[str, Any] | int:
    """The service as its specification of June 2026 has it: one dimension, no training."""
    kind, grouping = question.get("usageType", [""])[0], question.get("groupBy", [])
    if len(grouping) > 1 or kind == "TRAINING":
        return 400
    rows = (
        {"serverlessCosts": [{**DAY, "promptTokens": "5", "group": {"model_name": "m"}}]}
        if kind != "DEDICATED_DEPLOYMENT"
        else {}
    )
    return rows | ({"dedicatedCosts": FULL["dedicatedCosts"]} if kind != "SERVERLESS" else {})


def test_a_service_that_groups_by_one_dimension_is_read_stream_by_stream(read: Any) -> None:
    first, second = read(one_dimension, times=2)
    assert first == second
    assert [row.get("base_model_name", row.get("deployment")) for row in first.rows] == ["m", "d1"]
    assert set(first.notes) == {NO_TRAINING, NO_KEYS}
    again = questions(read)[-5:]
    assert again[0] == ("SERVERLESS", ("model_name",))
    assert again[1] == ("DEDICATED_DEPLOYMENT", ())


def test_a_service_that_heeds_the_first_dimension_alone_is_not_believed(read: Any) -> None:
    def first_alone(question: Question) -> dict[str, Any]:
        if "usageType" not in question:  # deployments all together, since nothing of theirs was asked for first
            return {
                "serverlessCosts": [{**DAY, "group": {"model_name": "m"}}],
                "dedicatedCosts": [{**DAY, "acceleratorSeconds": 1}],
            }
        name = {"SERVERLESS": "serverlessCosts", "DEDICATED_DEPLOYMENT": "dedicatedCosts"}.get(question["usageType"][0])
        return {name: FULL[name]} if name else {}

    (usage,) = read(first_alone)
    assert [row.get("api_key_id", row.get("deployment")) for row in usage.rows] == ["key_a", "d1"]
    assert [kind for kind, _ in questions(read)] == ["", "SERVERLESS", "DEDICATED_DEPLOYMENT", "TRAINING"]


def test_what_is_refused_whatever_is_asked_is_refused(read: Any) -> None:
    with pytest.raises(errors.RequestRefused):
        read(lambda _: 400)
    assert len(read.questions) == 6


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.SignInRefused),
        (403, errors.NoPermission),
        (404, errors.NoSuchAccount),
        (501, errors.Unimplemented),
        (412, errors.AccountSuspended),
    ],
)
def test_other_refusals_are_final(read: Any, status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        read(lambda _: status)
    assert len(read.questions) == 1


def test_an_answer_of_the_wrong_type_names_the_field(read: Any) -> None:
    with pytest.raises(errors.UnexpectedAnswer, match=r"serverlessCosts\[1\]\.promptTokens has the wrong type"):
        read(lambda _: {"serverlessCosts": [{}, {"promptTokens": [5]}]})


def test_an_empty_answer_has_no_rows(read: Any) -> None:
    (usage,) = read(lambda _: {})
    assert usage == Usage([])
