"""The table and the JSON file, with the machine they were measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure, Results, Sample, Skipped, amount

_HEAD = ("figure", "events", "goal", "fwbill", "floor", "ratio", "verdict")


def machine() -> dict[str, Any]:
    """Size of the machine, versions, date, and how busy it was before."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=Path(__file__).parent, check=False
    )
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": revision.stdout.strip() or "unknown",
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(memory, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("polars", "textual", "rich", "click")},
    }


def heading(about: dict[str, Any]) -> str:
    """The machine in one paragraph."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    return (
        f"fwbill {about['revision']}, {about['date']}: {about['cores']} cores ({about['processor']}), "
        f"{about['memory_gib']} GiB, {about['system']}, Python {about['python']}, {versions}; load before: {about['load_before']}"
    )


def line(figure: Figure) -> tuple[str, ...]:
    """The cells of one figure."""
    ratio = f"{figure.ratio:.2f} ×" if figure.ratio is not None else ""
    goal = ", ".join(goal.text(figure.unit) for goal in figure.goals)
    name = f"{figure.name} ({figure.note})" if figure.note else figure.name
    floor = f"{_sample(figure.floor, figure.unit)} {figure.floor_name}" if figure.floor else ""
    rows = f"{figure.rows:,}" if figure.rows else ""
    return name, rows, goal, _sample(figure.ours, figure.unit), floor, ratio, figure.verdict


def said(finding: Figure | Skipped) -> str:
    """One finding as a line of progress."""
    if isinstance(finding, Skipped):
        return f"skipped: {finding.section}: {finding.reason}"
    return "  ".join(cell for cell in line(finding) if cell)


def table(results: Results) -> str:
    """A Markdown table per section, aligned, and what was skipped."""
    parts = []
    for section in dict.fromkeys(figure.section for figure in results.figures):
        lines = [line(figure) for figure in results.figures if figure.section == section]
        parts.append(f"### {section}\n\n{_aligned([_HEAD, *lines])}")
    parts += [f"skipped: {skipped.section}: {skipped.reason}" for skipped in results.skipped]
    with_goal = [figure for figure in results.figures if figure.goals]
    met = sum(figure.verdict == "met" for figure in with_goal)
    parts.append(f"{met} of {len(with_goal)} goals met. Medians (minimum to maximum); × is our median over the floor's.")
    return "\n\n".join(parts)


def write_json(path: Path, about: dict[str, Any], results: Results) -> None:
    """Everything, with every single value."""
    found = {
        "machine": about,
        "figures": [figure.as_json() for figure in results.figures],
        "skipped": [{"section": skipped.section, "reason": skipped.reason} for skipped in results.skipped],
    }
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _sample(sample: Sample, unit: str) -> str:
    text = amount(sample.median, unit)
    if len(sample.values) == 1:
        return text
    low, high = (amount(edge, "").strip() for edge in (min(sample.values), max(sample.values)))
    p95 = f", p95 {amount(sample.p95, '').strip()}" if len(sample.values) >= 20 else ""
    return f"{text} ({low} to {high}{p95})"


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    names = [row.partition(":")[2].strip() for row in text.splitlines() if row.startswith("model name")]
    return names[0] if names else platform.machine()
