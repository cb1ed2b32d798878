"""How the columns of usage events and of groups are titled and shown."""

from __future__ import annotations

from collections.abc import Sequence

from fwbill_tui.tui import cells
from fwbill_tui.tui.cells import Kind
from fwbill_tui.tui.widgets.usage_table_layout import ColumnSpec
from fwbill_tui.usage.groups import GROUP_MEASURES
from fwbill_tui.usage.names import column_of

_EVENT_COLUMNS: dict[str, tuple[str, Kind]] = {
    "start_time": ("start", "time"),
    "end_time": ("end", "time"),
    "usage_type": ("type", "usage_type"),
    "base_model_name": ("model", "path"),
    "model_bucket": ("bucket", "label"),
    "email": ("user", "label"),
    "accelerator_type": ("accelerator", "label"),
    "accelerator_seconds": ("GPU s", "seconds"),
    "parameter_count": ("parameters", "count"),
    "prompt_tokens": ("prompt", "count"),
    "cached_prompt_tokens": ("cached", "count"),
    "uncached_prompt_tokens": ("uncached", "count"),
    "completion_tokens": ("completion", "count"),
    "total_tokens": ("total", "count"),
    "events": ("events", "count"),
    "hour": ("hour", "hour"),
    "day": ("day", "day"),
    "month": ("month", "month"),
}


_GROUP_ORDER = sorted(GROUP_MEASURES, key=lambda name: name not in {"events", "total_tokens", "accelerator_seconds"})
"""Measures of groups from left to right: what people group for first, the parts of it behind."""


def title_of_column(column: str) -> str:
    """The short title of a column; a further one has its own name."""
    known = _EVENT_COLUMNS.get(column)
    return known[0] if known else cells.label(column)


def is_searched(name: str) -> bool:
    """Whether a search may look in what is called so, in files or on screen: it looks in no column of numbers or times."""
    named = (kind for column, (title, kind) in _EVENT_COLUMNS.items() if name.lower() in (column, title))
    return not _NOT_SEARCHED.intersection(named)


_NOT_SEARCHED = frozenset[Kind]({"time", "count", "seconds", "hour", "day", "month"})
_LEAST = {"usage_type": 15, "base_model_name": 22, "email": 20}
"""Cells that the columns people look at first keep before others leave a wide screen; a narrow one cuts them at ten."""
_LEAST_NARROW = 10


def event_columns(names: Sequence[str], *, narrow: bool = False) -> list[ColumnSpec]:
    """Columns of single events; a leading start time stays when the table scrolls sideways."""
    specs = []
    for index, name in enumerate(names):
        kind = _EVENT_COLUMNS[name][1] if name in _EVENT_COLUMNS else "text"
        least = _LEAST_NARROW if narrow else _LEAST.get(name, 12)
        frozen = index == 0 and name == "start_time"
        specs.append(ColumnSpec(name, title_of_column(name), kind, minimum=least, frozen=frozen))
    return specs


def group_columns(group_by: Sequence[str]) -> list[ColumnSpec]:
    """Columns of a grouped view: its keys, which stay, then the measures."""
    specs = []
    for name in group_by:
        column = column_of(name)
        kind = _EVENT_COLUMNS[column][1] if column in _EVENT_COLUMNS else "text"
        least = 16 if len(group_by) > 1 else 24
        specs.append(ColumnSpec(name, title_of_column(column), kind, minimum=least, maximum=40, frozen=True))
    return [*specs, *(ColumnSpec(name, *_EVENT_COLUMNS[name]) for name in _GROUP_ORDER)]
