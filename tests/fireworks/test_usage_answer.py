"""The rows of a `billingUsage` answer: every field, every spelling of a number, and whatever else may come."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwbill_tui.fireworks.errors import UnexpectedAnswer
from fwbill_tui.fireworks.usage_answer import Row, rows_of

DAY = {"startTime": "2026-10-01T00:00:00Z", "endTime": "2026-10-02T00:00:00Z"}
TIMES = {"start_time": datetime(2026, 10, 1, tzinfo=UTC), "end_time": datetime(2026, 10, 2, tzinfo=UTC)}


def one(stream: str, **fields: Any) -> Row:
    """The only row of an answer."""
    rows = rows_of({stream: [fields]}, "billingUsage at api")
    (row,) = [row for stream_rows in rows.values() for row in stream_rows]
    return row


def test_serverless() -> None:
    assert one(
        "serverlessCosts",
        **DAY,
        promptTokens="52000",
        cachedPromptTokens="40000",
        uncachedPromptTokens="12000",
        completionTokens="900",
        audioInputSeconds=1.5,
        costNanoUsd=123,
        usageType="TEXT_COMPLETION_INFERENCE_USAGE",
        apiKeyId="key_AbC",
        modelName="accounts/fireworks/models/kimi-k3",
        group={"api_key_id": "key_AbC", "api_key_name": "ci", "annotations.team": "search", "annotations.project": ""},
    ) == {
        **TIMES,
        "prompt_tokens": 52000,
        "cached_prompt_tokens": 40000,
        "uncached_prompt_tokens": 12000,
        "completion_tokens": 900,
        "audio_input_seconds": "1.5",
        "usage_type": "TEXT_COMPLETION_INFERENCE_USAGE",
        "api_key_id": "key_AbC",
        "api_key_name": "ci",
        "base_model_name": "accounts/fireworks/models/kimi-k3",
        "annotations.team": "search",
    }


def test_dedicated() -> None:
    assert one(
        "dedicatedCosts",
        **DAY,
        deploymentId="accounts/acme/deployments/d1",
        acceleratorType="NVIDIA_H100_80GB",
        acceleratorSeconds="7200",
        baseModel="accounts/fireworks/models/x",
        usageType="",
        placement="US",
        group={"deployment_name": "accounts/acme/deployments/d1"},
    ) == {
        **TIMES,
        "deployment": "accounts/acme/deployments/d1",
        "accelerator_type": "NVIDIA_H100_80GB",
        "accelerator_seconds": 7200.0,
        "base_model_name": "accounts/fireworks/models/x",
        "usage_type": "DEDICATED_DEPLOYMENT",
        "placement": "US",
    }


def test_training() -> None:
    assert one(
        "trainingCosts",
        **DAY,
        jobId="j1",
        jobType="SFT",
        trainingSessionId="s1",
        baseModel="m",
        acceleratorType="NVIDIA_H100_80GB",
        acceleratorSeconds="0",
        tokens="77",
        usageType="TUNING",
        annotations={"team": "search", "owner": "ana"},
    ) == {
        **TIMES,
        "job_id": "j1",
        "job_type": "SFT",
        "training_session_id": "s1",
        "base_model_name": "m",
        "accelerator_type": "NVIDIA_H100_80GB",
        "accelerator_seconds": 0.0,
        "prompt_tokens": 77,
        "usage_type": "TUNING",
        "annotations.team": "search",
        "annotations.owner": "ana",
    }


@pytest.mark.parametrize("zero", [{}, {"promptTokens": None}, {"promptTokens": "0"}, {"promptTokens": 0}, {"promptTokens": ""}])
def test_zeros_may_be_left_out(zero: dict[str, Any]) -> None:
    assert one("serverlessCosts", **zero) == {"usage_type": "SERVERLESS", "prompt_tokens": 0, "completion_tokens": 0}


@pytest.mark.parametrize("number", ["9007199254740993", 9007199254740993, str(2**63 - 1), "-5", 5.0])
def test_whole_numbers_are_exact(number: Any) -> None:
    assert one("serverlessCosts", completionTokens=number)["completion_tokens"] == int(number)


@pytest.mark.parametrize(
    ("seconds", "text"), [(1234567.25, "1234567.25"), ("1234567.25", "1234567.25"), (12, "12"), (0.1, "0.1"), (3e6, "3000000")]
)
def test_seconds_of_audio_are_exact(seconds: Any, text: str) -> None:
    assert one("serverlessCosts", audioInputSeconds=seconds)["audio_input_seconds"] == text


@pytest.mark.parametrize("name", ["promptTokens", "prompt_tokens"])
def test_both_spellings_of_protobuf_are_read(name: str) -> None:
    assert one("serverlessCosts", **{name: "3"})["prompt_tokens"] == 3


def test_new_fields_are_kept_as_text() -> None:
    row = one(
        "serverlessCosts", serviceTier="priority", isBatch=True, weight=2, details={"a": 1}, steps=[1], group={"region": "us"}
    )
    assert {name: row[name] for name in ("service_tier", "is_batch", "weight", "region")} == {
        "service_tier": "priority", "is_batch": "true", "weight": "2", "region": "us",
    }  # fmt: skip
    assert "details" not in row
    assert "steps" not in row


def test_fractions_of_a_second_and_offsets_are_read() -> None:
    row = one("serverlessCosts", startTime="2026-10-01T02:00:00.123456789+02:00")
    assert row["start_time"] == datetime(2026, 10, 1, 0, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stream", "fields", "named"),
    [
        ("serverlessCosts", {"promptTokens": True}, "promptTokens"),
        ("serverlessCosts", {"promptTokens": "many"}, "promptTokens"),
        ("serverlessCosts", {"promptTokens": "1.5"}, "promptTokens"),
        ("serverlessCosts", {"promptTokens": str(2**63)}, "promptTokens"),
        ("serverlessCosts", {"promptTokens": 1.5}, "promptTokens"),
        ("serverlessCosts", {"promptTokens": {}}, "promptTokens"),
        ("serverlessCosts", {"startTime": 5}, "startTime"),
        ("serverlessCosts", {"startTime": "yesterday"}, "startTime"),
        ("serverlessCosts", {"startTime": "2026-10-01T00:00:00"}, "startTime"),
        ("serverlessCosts", {"startTime": "2026-13-01T00:00:00Z"}, "startTime"),
        ("serverlessCosts", {"startTime": "0001-01-01T00:00:00Z"}, "startTime"),
        ("serverlessCosts", {"usageType": 5}, "usageType"),
        ("serverlessCosts", {"group": []}, "group"),
        ("serverlessCosts", {"group": {"model_name": 5}}, "group.model_name"),
        ("serverlessCosts", {"group": {"prompt_tokens": "5"}}, "group.prompt_tokens"),
        ("dedicatedCosts", {"acceleratorSeconds": "NaN"}, "acceleratorSeconds"),
        ("dedicatedCosts", {"acceleratorSeconds": float("inf")}, "acceleratorSeconds"),
        ("dedicatedCosts", {"acceleratorSeconds": 10**400}, "acceleratorSeconds"),
        ("dedicatedCosts", {"acceleratorSeconds": False}, "acceleratorSeconds"),
        ("trainingCosts", {"annotations": "team"}, "annotations"),
        ("trainingCosts", {"annotations": {"team": 5}}, "annotations.team"),
    ],
)
def test_wrong_types_name_the_field(stream: str, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        one(stream, **fields)
    assert f"{stream}[0].{named} has the wrong type" in str(caught.value)


@pytest.mark.parametrize("answer", [{"serverlessCosts": {}}, {"serverlessCosts": "none"}, {"serverlessCosts": [5]}])
def test_wrong_lists_are_named(answer: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"serverlessCosts(\[0\])? has the wrong type"):
        rows_of(answer, "billingUsage at api")


def test_an_answer_of_endless_fields_is_refused() -> None:
    entries = [{f"field{number}": "x"} for number in range(300)]
    with pytest.raises(UnexpectedAnswer, match="more than 200 different fields"):
        rows_of({"serverlessCosts": entries}, "billingUsage at api")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = st.sampled_from(
    [
        "startTime",
        "promptTokens",
        "tokens",
        "acceleratorSeconds",
        "usageType",
        "group",
        "annotations",
        "modelName",
        "new",
        "\ud800",
    ]
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["serverlessCosts", "dedicatedCosts", "trainingCosts", "other"]),
                       st.lists(st.dictionaries(_FIELDS, _JSON) | _JSON, max_size=3) | _JSON))  # fmt: skip
def test_anything_is_read_or_refused(answer: dict[str, Any]) -> None:
    try:
        rows = rows_of(json.loads(json.dumps(answer)), "billingUsage at api")
    except UnexpectedAnswer:
        return
    for row in (row for stream in rows.values() for row in stream):
        assert row["usage_type"]
        for value in row.values():
            str(value).encode()
