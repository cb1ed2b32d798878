"""`billingUsage`, the documented usage by day: tokens and GPU seconds, never money, grouped as finely as the service will.

How much it will group by has changed: several dimensions at once, or one only; API key names and training came later. So
the best question is asked first, and a question that is refused is followed by a smaller one, which is then remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fwbill_tui.fireworks.errors import RequestRefused
from fwbill_tui.fireworks.http import Parameters
from fwbill_tui.fireworks.rest import RestClient
from fwbill_tui.fireworks.retry import OnWait
from fwbill_tui.fireworks.usage_answer import Row, rows_of
from fwbill_tui.usage.query import TimeRange

_TAGS = ("annotations.team", "annotations.project", "annotations.environment")
_MACHINES = ("deployment_name", "accelerator_type")
_JOBS = ("job_id", "job_type", "usage_type", "accelerator_type", "base_model")
_TOGETHER = (
    ("model_name", "api_key_id", "api_key_name", "deployment_name", *_JOBS, *_TAGS),
    ("model_name", "api_key_id", "deployment_name", *_JOBS, *_TAGS),
)
_APART: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "SERVERLESS": (
        ("model_name", "api_key_id", "api_key_name", *_TAGS),
        ("model_name", "api_key_id", *_TAGS),
        ("model_name", "api_key_id"),
        ("model_name",),
    ),
    "DEDICATED_DEPLOYMENT": ((*_MACHINES, *_TAGS), _MACHINES, ()),
    "TRAINING": ((*_JOBS, *_TAGS), _JOBS, ()),
}
"""What each stream is grouped by, the finest first. Without any, the last two are grouped by all that tells them apart."""
_TELLING = {"SERVERLESS": ("base_model_name", "api_key_id"), "DEDICATED_DEPLOYMENT": ("deployment",)}
"""Columns that an answer must have for the question about all streams together to be worth it."""

NO_TRAINING = "the service does not tell training usage here"
NO_KEYS = "the service does not tell API keys apart here"


@dataclass(frozen=True, slots=True)
class Usage:
    """The rows of one window, of all streams, and what to know of them."""

    rows: list[Row]
    notes: tuple[str, ...] = ()


class BillingUsage:
    """Reads one account's usage by day, from any thread. `time_zone` (IANA) is where its days are cut.

    Threads at the same time may find out twice what the service takes; each then sets the same few names anew, as a whole.
    """

    def __init__(self, client: RestClient, account_id: str, *, time_zone: str = "UTC") -> None:
        self._client = client
        self._path = f"/v1/accounts/{account_id}/billingUsage"
        self._time_zone = time_zone
        self._together: Sequence[tuple[str, ...]] = _TOGETHER
        self._apart: dict[str, Sequence[tuple[str, ...]]] = dict(_APART)

    def read(self, window: TimeRange, *, on_wait: OnWait | None = None) -> Usage:
        """The usage of a window of at most 31 days, with both edges, that begins and ends with a local day.

        Raises FireworksError; UnexpectedAnswer names a field of the wrong type.
        """

        def ask(group_by: tuple[str, ...], stream: str = "") -> dict[str, list[Row]]:
            answer = self._client.read(self._path, self._question(window, group_by, stream), call="billingUsage", on_wait=on_wait)
            return rows_of(answer, self._client.where("billingUsage"))

        rows = self._all_together(ask)
        notes: list[str] = []
        if rows is None:
            rows, notes = self._one_by_one(ask)
        serverless = rows["SERVERLESS"]
        if serverless and not any("api_key_id" in row for row in serverless):
            notes.append(NO_KEYS)
        return Usage([row for stream in rows.values() for row in stream], tuple(notes))

    def _all_together(self, ask: Callable[..., dict[str, list[Row]]]) -> dict[str, list[Row]] | None:
        """One question for all streams; None when the service won't take it, or does not group as asked."""
        for number, group_by in enumerate(questions := self._together):
            try:
                rows = ask(group_by)
            except RequestRefused:
                continue
            if all(not rows[stream] or any(c in row for row in rows[stream]) for stream, cs in _TELLING.items() for c in cs):
                self._together = questions[number:]
                return rows
            return None
        return None

    def _one_by_one(self, ask: Callable[..., dict[str, list[Row]]]) -> tuple[dict[str, list[Row]], list[str]]:
        rows: dict[str, list[Row]] = {}
        notes: list[str] = []
        for stream in _APART:
            try:
                rows[stream] = self._stream(stream, ask)
            except RequestRefused:
                if stream != "TRAINING":  # the newest: a service that answers for the others may not know it
                    raise
                rows[stream] = []
                notes.append(NO_TRAINING)
        self._together = ()
        return rows, notes

    def _stream(self, stream: str, ask: Callable[..., dict[str, list[Row]]]) -> list[Row]:
        questions = self._apart[stream]
        for number, group_by in enumerate(questions):
            try:
                rows = ask(group_by, stream)
            except RequestRefused:
                if number == len(questions) - 1:
                    raise
                continue
            self._apart[stream] = questions[number:]
            return rows[stream]
        raise AssertionError("unreachable: the last question is answered or raises")

    def _question(self, window: TimeRange, group_by: tuple[str, ...], stream: str) -> Parameters:
        if window.start is None or window.end is None:
            raise ValueError("usage is asked for with both edges")
        question: dict[str, str | Sequence[str]] = {
            "startTime": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
            "endTime": f"{window.end:%Y-%m-%dT%H:%M:%SZ}",
            "groupBy": group_by,
        }
        if stream:
            question["usageType"] = stream
        if self._time_zone != "UTC":
            question["timezone"] = self._time_zone
        return question
