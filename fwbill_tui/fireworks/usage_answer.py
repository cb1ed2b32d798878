"""The answer of `billingUsage`, read field by field into rows that are named as the columns of an export are.

Numbers of 64 bits come as texts or as numbers, zeros may be absent or null, and fields that are new are kept as text.
`costNanoUsd` is 0 in every real answer and is never money, so it is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fwbill_tui.fireworks.errors import UnexpectedAnswer, make
from fwbill_tui.usage.zones import FIRST_YEAR, LAST_YEAR

Value = str | int | float | datetime
Row = dict[str, Value]
"""A row by column: times in UTC, counts as int, `accelerator_seconds` as float, everything else as text; no empty texts."""

STREAMS: Mapping[str, str] = {
    "serverlessCosts": "SERVERLESS",
    "dedicatedCosts": "DEDICATED_DEPLOYMENT",
    "trainingCosts": "TRAINING",
}
"""The lists of an answer (of quantities, whatever they are called), and the service's word for what is in them."""

MOST_FIELDS = 200
_COLUMNS: Mapping[str, str] = {
    "model_name": "base_model_name",
    "base_model": "base_model_name",
    "deployment_id": "deployment",
    "deployment_name": "deployment",
    "tokens": "prompt_tokens",
}
"""Fields, and names of groups, that an export or another stream spells otherwise."""
_TIMES = frozenset({"start_time", "end_time"})
_COUNTS = frozenset(
    {"prompt_tokens", "cached_prompt_tokens", "uncached_prompt_tokens", "completion_tokens", "tokens", "parameter_count"}
)
_NUMBERS = frozenset({"accelerator_seconds", "audio_input_seconds"})
_TEXTS = frozenset({
    "usage_type", "model_name", "base_model", "accelerator_type", "api_key_id", "api_key_name", "deployment_id",
    "deployment_name", "placement", "job_id", "job_type", "training_session_id", "email", "model_bucket",
})  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,79}", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,19}")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")


def rows_of(answer: Mapping[str, Any], where: str) -> dict[str, list[Row]]:
    """The rows of an answer by stream ("SERVERLESS" …). Raises UnexpectedAnswer, which names the first wrong field."""
    rows = {}
    for name, stream in STREAMS.items():
        entries = _value(answer, name, list, name, where) or []
        rows[stream] = [_row(entry, stream, f"{name}[{number}]", where) for number, entry in enumerate(entries)]
    if len({column for stream in rows.values() for row in stream for column in row}) > MOST_FIELDS:
        raise make(UnexpectedAnswer, where, f"the rows of the answer have more than {MOST_FIELDS} different fields")
    return rows


def _row(entry: Any, stream: str, path: str, where: str) -> Row:
    if not isinstance(entry, dict):
        raise _wrong(path, where)
    row: Row = {}
    for field, value in _texts(_value(entry, "group", dict, f"{path}.group", where) or {}, f"{path}.group", where):
        if field in _TIMES | _COUNTS | _NUMBERS:
            raise _wrong(f"{path}.group.{field}", where)
        row.setdefault(_COLUMNS.get(field, field), value)
    for name, value in entry.items():
        field, at = _snake(name), f"{path}.{name}"
        if value is None or field in ("group", "cost_nano_usd") or not _NAME.fullmatch(field):
            continue
        if field == "annotations":
            for key, text in _texts(_value(entry, name, dict, at, where), at, where):
                row.setdefault(f"annotations.{key}", text)
        elif (known := _known(field, value, at, where)) is not None:
            row.setdefault(_COLUMNS.get(field, field), known)
    return _with_zeros(row, stream)


def _known(field: str, value: Any, at: str, where: str) -> Value | None:
    """A field's value in its type; None for one that says nothing."""
    if field in _TIMES:
        return _time(value, at, where)
    if field in _COUNTS:
        return _count(value, at, where)
    if field in _NUMBERS:
        number = _number(value, at, where)
        return number if field == "accelerator_seconds" else repr(number).removesuffix(".0") if number else None
    if isinstance(value, str):
        return _text(value) or None
    if field in _TEXTS:
        raise _wrong(at, where)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None  # lists and objects that are new have no place in a table


def _with_zeros(row: Row, stream: str) -> Row:
    """The row with the zeros that an answer leaves out, as far as a stream measures that; and a usage type always.

    A zero in the split of the prompt may be one left out, or a server that does not split: then it is left open, and
    follows from the rest (prompt = cached + uncached).
    """
    row.setdefault("usage_type", stream)
    for column in ("cached_prompt_tokens", "uncached_prompt_tokens"):
        if row.get(column) == 0:
            del row[column]
    if stream == "SERVERLESS":
        row.setdefault("prompt_tokens", 0)
        row.setdefault("completion_tokens", 0)
    else:
        if row.get("prompt_tokens") == 0:
            del row["prompt_tokens"]
        row.setdefault("accelerator_seconds", 0.0)
    return row


def _texts(entries: Mapping[str, Any], path: str, where: str) -> Iterator[tuple[str, str]]:
    """The entries of a map of texts, without the empty ones and those whose name is none."""
    for name, value in entries.items():
        if value is not None and not isinstance(value, str):
            raise _wrong(f"{path}.{name}", where)
        if value and _NAME.fullmatch(name):
            yield name, _text(value)


def _value(entry: Mapping[str, Any], name: str, kind: type, path: str, where: str) -> Any:
    value = entry.get(name)
    if value is not None and not isinstance(value, kind):
        raise _wrong(path, where)
    return value


def _count(value: Any, at: str, where: str) -> int:
    count: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        count = value
    elif isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        count = int(value)
    elif isinstance(value, str) and (value == "" or _WHOLE.fullmatch(value)):
        count = int(value or 0)
    if count is None or not -(2**63) <= count < 2**63:
        raise _wrong(at, where)
    return count


def _number(value: Any, at: str, where: str) -> float:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = float(value)
        elif isinstance(value, str) and (value == "" or _NUMBER.fullmatch(value)):
            number = float(value or 0)
        else:
            raise _wrong(at, where)
    except OverflowError:
        raise _wrong(at, where) from None
    if not math.isfinite(number):
        raise _wrong(at, where)
    return number


def _time(value: Any, at: str, where: str) -> datetime | None:
    if value == "":
        return None
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise _wrong(at, where)
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong(at, where) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise _wrong(at, where)
    return moment


def _text(value: str) -> str:
    """A text that can be written as UTF-8: JSON may hold half a character."""
    return value.encode("utf-8", "backslashreplace").decode()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _wrong(path: str, where: str) -> Exception:
    return make(UnexpectedAnswer, where, f"{path} has the wrong type in the answer")
