"""The command that makes the pictures works on the program as it is."""

from __future__ import annotations

import html
import re
from pathlib import Path

import make_screenshots

SHOWN = {
    "dates": "month to date",
    "explorer": "tokens per day by model",
    "explorer-80x24": "completion",
    "explorer-light": "kimi",
    "export": "Parquet",
    "facet": "only this",
    "grouped": "events",
    "help": "row down",
    "login": "FIREWORKS_API_KEY",
}
"""A picture and something to be read in it."""


async def test_every_picture_can_be_made_and_shows_what_it_is_of(tmp_path: Path) -> None:
    await make_screenshots.main(tmp_path, rows=6_000)
    made = {file.stem: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    kept = {file.stem for file in make_screenshots.FOLDER.iterdir()}
    assert set(made) == kept == set(SHOWN)
    for name, picture in made.items():
        text = html.unescape(re.sub("<[^>]*>", "", picture)).replace("\xa0", " ")
        assert SHOWN[name] in text, name
