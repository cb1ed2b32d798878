"""Every REST route of the demo server, asked over a real socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import polars as pl
import pytest
from demo_support import END, WEEK

from fwbill_tui.demo import cast
from fwbill_tui.demo.server import DemoServer
from fwbill_tui.usage.query import TimeRange

USAGE = "/v1/accounts/acme-prod/billingUsage"
SPAN = {"startTime": "2026-11-01T00:00:00Z", "endTime": "2026-11-08T00:00:00Z"}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_accounts_of_a_key(server: DemoServer, api: httpx.Client) -> None:
    content = api.get("/v1/accounts").json()
    assert [account["name"] for account in content["accounts"]] == ["accounts/acme-prod", "accounts/acme-staging"]
    assert content["totalSize"] == 2
    assert content["nextPageToken"] == ""
    assert server.account_ids == ("acme-prod", "acme-staging")
    other = api.get("/v1/accounts", headers=bearer(server.staging_key)).json()
    assert [account["name"] for account in other["accounts"]] == ["accounts/acme-staging"]


def test_accounts_come_in_pages(api: httpx.Client) -> None:
    first = api.get("/v1/accounts", params={"pageSize": 1}).json()
    second = api.get("/v1/accounts", params={"pageSize": 1, "pageToken": first["nextPageToken"]}).json()
    assert [page["accounts"][0]["displayName"] for page in (first, second)] == ["Acme", "Acme (staging)"]
    assert second["nextPageToken"] == ""


@pytest.mark.parametrize("path", ["/verifyApiKey", "/v1/accounts", "/v1/accounts/acme-prod", USAGE])
def test_keys_are_checked(server: DemoServer, api: httpx.Client, path: str) -> None:
    for headers in (bearer("fw_wrong"), {"Authorization": ""}, {"Authorization": f"Basic {server.api_key}"}):
        answer = api.get(path, headers=headers, params=SPAN)
        assert (answer.status_code, answer.json()["code"]) == (401, 16)
    answer = api.get(path, headers=bearer(server.powerless_key), params=SPAN)
    assert (answer.status_code, answer.json()["code"]) == (403, 7)


def test_key_names_its_account(server: DemoServer, api: httpx.Client) -> None:
    assert api.get("/verifyApiKey").headers["x-fireworks-account-id"] == "acme-prod"
    answer = api.get("/verifyApiKey", headers=bearer(server.staging_key))
    assert answer.headers["x-fireworks-account-id"] == "acme-staging"


def test_foreign_and_unknown_accounts_are_not_found(server: DemoServer, api: httpx.Client) -> None:
    assert api.get("/v1/accounts/acme-staging").json()["name"] == "accounts/acme-staging"
    for path, key in (("/v1/accounts/nobody", server.api_key), ("/v1/accounts/acme-prod", server.staging_key)):
        answer = api.get(path, headers=bearer(key))
        assert (answer.status_code, answer.json()["code"]) == (404, 5)


def test_unknown_route_is_not_found(api: httpx.Client) -> None:
    assert api.get("/v1/accounts/acme-prod/balance").status_code == 404
    assert api.post("/v1/accounts").status_code == 404


def total(rows: list[dict[str, Any]], field: str) -> int:
    assert all(isinstance(row[field], str) for row in rows), "64-bit integers are texts in protobuf's JSON"
    return sum(int(row[field]) for row in rows)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"])
def test_usage_sums_to_the_events(server: DemoServer, api: httpx.Client, zone: str) -> None:
    content = api.get(USAGE, params={**SPAN, "timezone": zone}).json()
    events = server.expected(WEEK).with_columns(pl.col("usage_type").cast(pl.String))
    text = events.filter(pl.col("usage_type") == cast.TEXT)
    rows = content["serverlessCosts"]
    assert total(rows, "promptTokens") == text["prompt_tokens"].sum() > 0
    assert total(rows, "cachedPromptTokens") + total(rows, "uncachedPromptTokens") == text["prompt_tokens"].sum()
    assert total(rows, "completionTokens") == text["completion_tokens"].sum()
    assert {row["costNanoUsd"] for row in rows} == {0}
    machines = events.filter(pl.col("usage_type") == cast.DEDICATED)["accelerator_seconds"].sum()
    assert total(content["dedicatedCosts"], "acceleratorSeconds") == pytest.approx(machines, abs=len(content["dedicatedCosts"]))
    jobs = events.filter(pl.col("usage_type") == cast.TUNING)
    assert total(content["trainingCosts"], "tokens") == jobs["prompt_tokens"].sum()


def test_usage_days_are_cut_at_local_midnight(api: httpx.Client) -> None:
    rows = api.get(USAGE, params={**SPAN, "timezone": "America/New_York"}).json()["serverlessCosts"]
    starts = sorted({row["startTime"] for row in rows})
    # The clocks go back on November 1st, so that day has 25 hours.
    assert starts[:3] == ["2026-10-31T04:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"]
    assert {row["endTime"] for row in rows if row["startTime"] == starts[1]} == {starts[2]}


def test_usage_is_grouped_as_asked(server: DemoServer, api: httpx.Client) -> None:
    wanted = ["model_name", "api_key_name", "annotations.team"]
    rows = api.get(USAGE, params={**SPAN, "groupBy": wanted, "usageType": "SERVERLESS"}).json()["serverlessCosts"]
    assert all(sorted(row["group"]) == sorted(wanted) for row in rows)
    assert len({(row["startTime"], *sorted(row["group"].items())) for row in rows}) == len(rows)
    ana = sum(int(row["promptTokens"]) for row in rows if row["group"]["api_key_name"] == "ana")
    of_ana = (pl.col("email").cast(pl.String) == cast.ANA) & (pl.col("usage_type").cast(pl.String) == cast.TEXT)
    assert ana == server.expected(WEEK).filter(of_ana)["prompt_tokens"].sum() > 0


def test_usage_carries_key_deployment_and_placement(api: httpx.Client) -> None:
    content = api.get(USAGE, params={**SPAN, "groupBy": ["api_key_id", "deployment_name"]}).json()
    assert all(row["apiKeyId"] == row["group"]["api_key_id"] != "" for row in content["serverlessCosts"])
    for row in content["dedicatedCosts"]:
        assert row["deploymentId"] == row["group"]["deployment_name"]
        assert row["deploymentId"].startswith("accounts/acme-prod/deployments/")
        assert row["placement"] in {"US", "EUROPE", "GLOBAL"}
        assert row["acceleratorType"].startswith("NVIDIA_")


def test_usage_of_one_type_leaves_the_other_lists_empty(api: httpx.Client) -> None:
    content = api.get(USAGE, params={**SPAN, "usageType": "TRAINING"}).json()
    assert content["serverlessCosts"] == content["dedicatedCosts"] == []


def test_usage_before_the_first_event_is_empty(api: httpx.Client) -> None:
    span = {"startTime": "2025-01-01T00:00:00Z", "endTime": "2025-01-08T00:00:00Z"}
    assert api.get(USAGE, params=span).json() == {"serverlessCosts": [], "dedicatedCosts": [], "trainingCosts": []}


@pytest.mark.parametrize(
    "change",
    [
        {"endTime": "2026-12-02T00:00:01Z"},
        {"endTime": SPAN["startTime"]},
        {"startTime": "yesterday"},
        {"timezone": "Mars/Olympus"},
        {"groupBy": "colour"},
        {"groupBy": "deployment_name", "usageType": "SERVERLESS"},
        {"usageType": "EVERYTHING"},
    ],
)
def test_bad_usage_questions_are_refused(api: httpx.Client, change: dict[str, str]) -> None:
    answer = api.get(USAGE, params={**SPAN, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


def test_thirty_one_days_are_allowed(api: httpx.Client) -> None:
    assert api.get(USAGE, params={**SPAN, "endTime": "2026-12-02T00:00:00Z"}).status_code == 200


def nanos(money: dict[str, Any]) -> int:
    assert money["currencyCode"] == "USD"
    return int(money.get("units", "0")) * 1_000_000_000 + money.get("nanos", 0)


def test_summary_buckets_add_up(api: httpx.Client) -> None:
    path = "/v1/accounts/acme-prod/billing/summary"
    content = api.get(path, params={**SPAN, "granularity": "DAILY"}).json()
    whole = sum(nanos(line["totalCost"]) for line in content["lineItems"])
    days = [sum(nanos(line["totalCost"]) for line in bucket["lineItems"]) for bucket in content["usageBuckets"]]
    assert len(days) == 7
    assert sum(days) == pytest.approx(whole, abs=1_000)
    assert whole > 0
    assert "usageBuckets" not in api.get(path, params=SPAN).json()


def test_usage_costs_by_two_dimensions(server: DemoServer, api: httpx.Client) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    span = {"startTime": (now - timedelta(days=30)).isoformat(), "endTime": now.isoformat()}
    path = "/v1/accounts/acme-staging/usageCosts:query"
    content = api.post(path, json={**span, "scope": "ACCOUNT", "groupBy": ["DAY", "MODEL"]}).json()
    assert sum(nanos(row["subtotal"]) for row in content["rows"]) == nanos(content["subtotal"])
    assert all(set(row["dimensions"]) == {"startTime", "model"} for row in content["rows"])
    refused = api.post(path, json={**span, "scope": "ACCOUNT"}, headers=bearer(server.staging_key))
    assert refused.status_code == 403
    own = api.post(path, json={**span, "scope": "SELF"}, headers=bearer(server.staging_key)).json()
    assert own["rows"] == []
    old = {**span, "startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-02T00:00:00Z"}
    assert api.post(path, json=old).status_code == 400
    assert api.post(path, json={**span, "groupBy": ["HOUR", "DAY"]}).status_code == 400


def test_quotas(api: httpx.Client) -> None:
    quotas = api.get("/v1/accounts/acme-prod/quotas").json()["quotas"]
    assert [quota["name"].rpartition("/")[2] for quota in quotas] == ["monthly-spend-usd", "h100-us-iowa-1"]
    spend = api.get("/v1/accounts/acme-prod/quotas/monthly-spend-usd").json()
    assert isinstance(spend["value"], str)
    assert spend["usage"] >= 0
    assert api.get("/v1/accounts/acme-prod/quotas/nothing").status_code == 404


def test_requests_are_recorded(server: DemoServer, api: httpx.Client) -> None:
    api.get("/v1/accounts", params={"pageSize": 7})
    (request,) = server.requests
    assert (request.side, request.method, request.path) == ("rest", "GET", "/v1/accounts?pageSize=7")
    assert request.headers["authorization"] == f"Bearer {server.api_key}"
    assert server.api_key not in repr(request)


def test_connection_is_kept_open(api: httpx.Client) -> None:
    with api.stream("GET", "/v1/accounts") as one:
        first = one.extensions["network_stream"].get_extra_info("client_addr")
        one.read()
    with api.stream("GET", "/v1/accounts") as two:
        assert two.extensions["network_stream"].get_extra_info("client_addr") == first


def test_expected_is_the_range_asked_for(server: DemoServer) -> None:
    assert server.expected().height == 6_000
    assert server.expected(account_id="acme-staging").height == 1_200
    assert server.range == TimeRange(datetime(2026, 8, 24, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC))
    assert server.range.end is not None
    assert server.range.end.date() == END + timedelta(days=1)
