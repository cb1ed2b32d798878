"""What the billing endpoints answer, computed from the same events as the exports; shapes as the wire contract has them.

The dimensions that an export does not carry (API key, deployment, placement, job, annotations) follow from the labels of
an event, so they are the same every time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from fwbill_tui.demo import cast
from fwbill_tui.demo.generator import Plan
from fwbill_tui.demo.tenants import Account, RefusedError
from fwbill_tui.usage.query import TimeRange

TOKENS = ("prompt_tokens", "cached_prompt_tokens", "uncached_prompt_tokens", "completion_tokens")
ANNOTATIONS = ("annotations.team", "annotations.project", "annotations.environment")
_MODELS = {model.name: model for model in cast.MODELS}
_PLACEMENTS = {cast.H100: "US", cast.H200: "EUROPE", cast.B200: "GLOBAL"}
_JOB_TYPES = {cast.TUNING: "SUPERVISED_FINE_TUNING", cast.REINFORCEMENT: "REINFORCEMENT_FINE_TUNING"}


@dataclass(frozen=True, slots=True)
class Stream:
    """One of the three lists of a `billingUsage` answer: its events, its dimensions and what it is grouped by unasked."""

    name: str
    usage_types: tuple[str, ...]
    dimensions: tuple[str, ...]
    default: tuple[str, ...]


STREAMS = {
    # Embeddings are not in billingUsage, as the documentation says.
    "SERVERLESS": Stream(
        "serverlessCosts", (cast.TEXT,), ("model_name", "api_key_id", "api_key_name", *ANNOTATIONS), ("model_name",)
    ),
    "DEDICATED_DEPLOYMENT": Stream(
        "dedicatedCosts",
        (cast.DEDICATED,),
        ("deployment_name", "accelerator_type", *ANNOTATIONS),
        ("deployment_name", "accelerator_type"),
    ),
    "TRAINING": Stream(
        "trainingCosts",
        (cast.TUNING, cast.REINFORCEMENT),
        ("job_id", "job_type", "usage_type", "accelerator_type", "base_model", *ANNOTATIONS),
        ("job_id", "job_type", "usage_type", "accelerator_type", "base_model"),
    ),
}


def billing_usage(
    account: Account, window: TimeRange, *, usage_type: str, zone: ZoneInfo, group_by: Sequence[str]
) -> dict[str, object]:
    """The answer of `billingUsage`: days cut at the zone's midnight, edges in UTC. Raises RefusedError for unknown dimensions."""
    wanted = STREAMS if usage_type in ("", "USAGE_TYPE_UNSPECIFIED") else {usage_type: STREAMS[usage_type]}
    known = {dimension for stream in wanted.values() for dimension in stream.dimensions}
    for dimension in group_by:
        if dimension not in known:
            raise RefusedError(400, "INVALID_ARGUMENT", f"group_by {dimension!r} is not one of {', '.join(sorted(known))}")
    sums = _daily_sums(account.plan, window, zone)
    answer: dict[str, object] = {stream.name: [] for stream in STREAMS.values()}
    for stream in wanted.values():
        keys = [d for d in stream.dimensions if d in group_by] if group_by else list(stream.default)
        rows = _with_dimensions(sums.filter(pl.col("usage_type").is_in(stream.usage_types)), account.id)
        answer[stream.name] = [_usage_row(stream, row, keys, zone) for row in _grouped(rows, keys)]
    return answer


def _daily_sums(plan: Plan, window: TimeRange, zone: ZoneInfo) -> pl.DataFrame:
    """Sums per local day and label; a training job keeps its start, which makes its id."""
    keys = ["day", "job_start", "usage_type", "email", "base_model_name", "accelerator_type"]
    local = pl.col("start_time").dt.convert_time_zone(zone.key)
    job = pl.col("usage_type").cast(pl.String).is_in(list(_JOB_TYPES))
    parts = [
        part.with_columns(day=local.dt.date(), job_start=pl.when(job).then(pl.col("start_time").dt.epoch("s")))
        .group_by(keys)
        .agg(pl.col(*TOKENS, "accelerator_seconds").sum())
        .with_columns(pl.col("usage_type", "email", "base_model_name", "accelerator_type").cast(pl.String))
        for part in plan.slices(window)
    ]
    if not parts:
        return plan.events(TimeRange(plan.range.end, None)).select(
            pl.lit(None, pl.Date).alias("day"), pl.lit(None, pl.Int64).alias("job_start"),
            pl.col("usage_type", "email", "base_model_name", "accelerator_type").cast(pl.String),
            *TOKENS, "accelerator_seconds",
        )  # fmt: skip
    return pl.concat(parts).group_by(keys).agg(pl.col(*TOKENS, "accelerator_seconds").sum())


def _with_dimensions(rows: pl.DataFrame, account_id: str) -> pl.DataFrame:
    slug = pl.col("base_model_name").str.split("/").list.last()
    deployment = pl.concat_str(
        pl.lit(f"accounts/{account_id}/deployments/"), slug, pl.lit("-"),
        pl.col("accelerator_type").fill_null("").str.split("_").list.get(1, null_on_oob=True).str.to_lowercase(),
    )  # fmt: skip
    team = pl.col("email").replace_strict(cast.TEAMS, default="")
    return rows.with_columns(
        model_name="base_model_name",
        base_model="base_model_name",
        api_key_id=pl.col("email").replace_strict({user: key_id(user) for user in cast.TEAMS}, default=""),
        api_key_name=pl.col("email").replace_strict({user: key_name(user) for user in cast.TEAMS}, default=""),
        deployment_name=deployment,
        placement=pl.col("accelerator_type").replace_strict(_PLACEMENTS, default=""),
        job_id=pl.format("job-{}-{}", slug, "job_start"),
        job_type=pl.col("usage_type").replace_strict(_JOB_TYPES, default=""),
    ).with_columns(
        team.alias("annotations.team"),
        pl.format("{}-{}", team, slug).alias("annotations.project"),
        pl.lit("production" if account_id.endswith("prod") else "staging").alias("annotations.environment"),
    )


def _grouped(rows: pl.DataFrame, keys: Sequence[str]) -> Iterable[dict[str, object]]:
    """One row per day and key, in that order; what else is the same throughout a group comes along, as `None` if not."""
    carried = ("usage_type", "accelerator_type", "base_model", "placement", "deployment_name", "job_id", "job_type")
    single = [
        pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(name) for name in carried if name not in keys
    ]
    grouped = rows.group_by("day", *keys).agg(*single, pl.col(*TOKENS, "accelerator_seconds").sum())
    return grouped.sort("day", *keys).iter_rows(named=True)


def _usage_row(stream: Stream, row: dict[str, object], keys: Sequence[str], zone: ZoneInfo) -> dict[str, object]:
    day = row["day"]
    assert isinstance(day, date)
    answer: dict[str, object] = {
        "startTime": _midnight(day, zone),
        "endTime": _midnight(day + timedelta(days=1), zone),
        "usageType": row["usage_type"] or "",
        "group": {key: row[key] or "" for key in keys},
    }
    seconds = str(round(float(row["accelerator_seconds"])))  # type: ignore[arg-type]
    if stream.name == "serverlessCosts":
        answer |= {_camel(measure): str(row[measure]) for measure in TOKENS}
        answer |= {"audioInputSeconds": 0, "costNanoUsd": 0}
        answer |= {"modelName": row["model_name"]} if "model_name" in keys else {}
        answer |= {"apiKeyId": row["api_key_id"]} if "api_key_id" in keys else {}
    elif stream.name == "dedicatedCosts":
        answer |= {
            "deploymentId": row["deployment_name"] or "", "acceleratorType": row["accelerator_type"] or "",
            "baseModel": row["base_model"] or "", "placement": row["placement"] or "", "acceleratorSeconds": seconds,
        }  # fmt: skip
    else:
        answer |= {
            "jobId": row["job_id"] or "", "jobType": row["job_type"] or "", "baseModel": row["base_model"] or "",
            "acceleratorType": row["accelerator_type"] or "", "acceleratorSeconds": seconds,
            "tokens": str(row["prompt_tokens"]),
        }  # fmt: skip
    return answer


def key_id(user: str) -> str:
    """The id of a user's API key."""
    return "key_" + hashlib.blake2b(user.encode(), digest_size=6).hexdigest()


def key_name(user: str) -> str:
    """The display name of a user's API key."""
    return "ops" if user == cast.OPS else user.partition("@")[0]


# -- money: rough, from list prices, in whole billionths of a dollar ---------------------------------------------------
@dataclass(frozen=True, slots=True)
class Line:
    """A rated line: what was used, how much of it, and its cost in billionths of a dollar."""

    series: str
    category: str
    key: str
    value: str
    quantity: float
    unit_nanos: int
    nanos: int


def rated_lines(plan: Plan, window: TimeRange) -> list[Line]:
    """The lines of a bill for a window."""
    lines: list[Line] = []
    sums = _daily_sums(plan, window, ZoneInfo("UTC"))
    by_model = sums.group_by("usage_type", "base_model_name", "accelerator_type").agg(
        pl.col(*TOKENS, "accelerator_seconds").sum()
    )
    for row in by_model.sort("usage_type", "base_model_name", "accelerator_type").iter_rows(named=True):
        model = _MODELS[row["base_model_name"]]
        if row["accelerator_type"]:
            series = "DEDICATED_DEPLOYMENT" if row["usage_type"] == cast.DEDICATED else "TRAINING"
            second = cast.ACCELERATOR_HOUR_NANOS[row["accelerator_type"]] // 3600
            cost = round(row["accelerator_seconds"] * second)
            lines.append(
                Line(series, "GPU seconds", "accelerator_type", row["accelerator_type"], row["accelerator_seconds"], second, cost)
            )
        elif row["usage_type"] == cast.TUNING:
            tokens = row["prompt_tokens"]
            lines.append(Line("TRAINING", "Fine-tuning tokens", "model_bucket", model.bucket, tokens, 3_000, tokens * 3_000))
        else:
            lines += [
                Line("SERVERLESS", category, "model_bucket", model.bucket, row[measure], round(price * 1_000), nanos)
                for category, measure, price in _prices(model)
                if (nanos := _token_nanos(row[measure], price))
            ]
    return lines


def summary(account: Account, window: TimeRange, *, daily: bool) -> dict[str, object]:
    """The answer of `billing/summary`: only the dates of the window count; buckets when asked for per day."""
    assert window.start is not None
    assert window.end is not None
    answer: dict[str, object] = {"lineItems": [_line_item(line) for line in rated_lines(account.plan, window)]}
    if daily:
        days = [window.start + timedelta(days=n) for n in range((window.end - window.start).days)]
        answer["usageBuckets"] = [
            {
                "startTime": _rfc3339(day),
                "endTime": _rfc3339(day + timedelta(days=1)),
                "lineItems": [_line_item(line) for line in rated_lines(account.plan, TimeRange(day, day + timedelta(days=1)))],
            }
            for day in days
        ]
    return answer


def usage_costs(account: Account, window: TimeRange, *, group_by: Sequence[str], user: str | None) -> dict[str, object]:
    """The answer of `usageCosts:query`: serverless token costs by at most two dimensions, of one user or of all."""
    columns = {"HOUR": "start", "DAY": "start", "MODEL": "base_model_name", "USER": "email", "API_KEY": "email"}
    unit = "1h" if "HOUR" in group_by else "1d"
    keys = ["start", "email", "base_model_name"]
    parts = [
        part.filter(pl.col("usage_type").cast(pl.String).is_in([cast.TEXT, cast.EMBEDDING]))
        .with_columns(pl.col("email", "base_model_name").cast(pl.String), start=pl.col("start_time").dt.truncate(unit))
        .group_by(keys)
        .agg(pl.col(TOKENS).sum())
        for part in account.plan.slices(window)
    ]
    costs: dict[tuple[object, ...], int] = {}
    for row in (row for part in parts for row in part.iter_rows(named=True) if user in (None, row["email"])):
        model = _MODELS[row["base_model_name"]]
        cost = sum(_token_nanos(row[measure], price) for _, measure, price in _prices(model))
        key = tuple(row[columns[dimension]] for dimension in group_by)
        costs[key] = costs.get(key, 0) + cost
    rows = [
        {"dimensions": _dimensions(group_by, key, account.id), "subtotal": money(cost)}
        for key, cost in sorted(costs.items(), key=lambda item: tuple(map(str, item[0])))
        if group_by
    ]
    return {
        "rows": rows,
        "subtotal": money(sum(costs.values())),
        "attributionCompleteness": "COMPLETE",
        "evaluationTime": _rfc3339(datetime.now(UTC).replace(microsecond=0)),
        "nextPageToken": "",
    }


def money(nanos: int) -> dict[str, object]:
    """A google.type.Money in dollars; zero parts are left out, as real answers leave them out."""
    units, rest = divmod(nanos, 1_000_000_000)
    return {"currencyCode": "USD"} | ({"units": str(units)} if units else {}) | ({"nanos": rest} if rest else {})


def _dimensions(group_by: Sequence[str], key: tuple[object, ...], account_id: str) -> dict[str, object]:
    dimensions: dict[str, object] = {}
    for dimension, value in zip(group_by, key, strict=True):
        match dimension:
            case "MODEL":
                dimensions["model"] = value
            case "USER":
                dimensions["user"] = f"accounts/{account_id}/users/{key_name(str(value))}"
            case "API_KEY":
                dimensions["apiKeyId"] = key_id(str(value))
            case _:
                assert isinstance(value, datetime)
                dimensions["startTime"] = _rfc3339(value)
    return dimensions


def _line_item(line: Line) -> dict[str, object]:
    return {
        "category": line.category, "groupingKey": line.key, "groupingValue": line.value, "quantity": line.quantity,
        "unitAmount": money(line.unit_nanos), "totalCost": money(line.nanos), "series": line.series,
    }  # fmt: skip


def _prices(model: cast.Model) -> tuple[tuple[str, str, float], ...]:
    """Category of the bill, measure, and dollars per million tokens."""
    return (
        ("LLM input tokens (cached)", "cached_prompt_tokens", model.cached),
        ("LLM input tokens (uncached)", "uncached_prompt_tokens", model.uncached),
        ("LLM output tokens", "completion_tokens", model.output),
    )


def _token_nanos(tokens: int, dollars_per_million: float) -> int:
    return tokens * round(dollars_per_million * 1_000_000) // 1_000


def _midnight(day: date, zone: ZoneInfo) -> str:
    return _rfc3339(datetime.combine(day, time(), zone).astimezone(UTC))


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
