"""The commands and the flags of `fwbill` as its help tells them: plain data, which needs no parser to be read.

Importing click takes three times as long as Python takes to start; help and completion are made from this without it.
This module imports nothing, for the same reason.
"""

from __future__ import annotations

ACCOUNT, HELP, INPUT, TIME, FILTERS, LAYOUT, VERSION = "Account", "Help", "Input", "Time", "Filters", "Layout", "Version"
"""The sections of the help."""
DIMENSIONS = ("usage_type", "model", "user", "bucket", "accelerator")
SOURCES = ("auto", "gateway", "firectl", "rest", "archive", "files")

COMMANDS: dict[str, tuple[str, str]] = {
    "accounts": ("signin", "The accounts that the sign-in opens."),
    "archive": ("archive", "The usage that is kept on disk: list, verify, prune, forget."),
    "demo": ("explore", "Open the explorer on made-up usage; no account needed."),
    "doctor": ("doctor", "What is set up, what answers, and what to do."),
    "export": ("export", "Save usage events, or groups, as CSV, Parquet or JSON."),
    "login": ("signin", "Put an API key into the system's keyring."),
    "logout": ("signin", "Take the API key out of the keyring."),
    "summary": ("summary", "Totals, and totals per model, user, day, …"),
}
"""Each command: the module of this folder that has it, and what it does, in a line. In the order of the help."""


class Flag:
    """A flag: its spellings, what it `takes` ("" for nothing), the section it stands in, and what it does.

    One that `repeats` may stand any number of times.
    """

    __slots__ = ("names", "repeats", "section", "takes", "told")

    def __init__(self, *names: str, takes: str = "", section: str, told: str, repeats: bool = False) -> None:
        self.names, self.takes, self.section, self.told, self.repeats = names, takes, section, told, repeats


ACCOUNT_ID = Flag("-a", "--account-id", takes="ID", section=ACCOUNT, told="The account, where the sign-in does not say.")
PROFILE = Flag("-p", "--profile", takes="NAME", section=ACCOUNT, told="A firectl profile to sign in with.")
KEY_COMMAND = Flag(
    "--api-key-command", takes="CMD", section=ACCOUNT, told="A command that prints the key, such as 'pass show fireworks'."
)
LOG_FILE = Flag(
    "--log-file", takes="FILE", section=HELP, told="Write what is done to the end of FILE, without keys and signed links."
)
HELP_FLAG = Flag("-h", "--help", section=HELP, told="Show this message and exit.")
VERSION_FLAG = Flag("--version", section=VERSION, told="Show the version and exit.")

SKIP_UNREADABLE = Flag("--skip-unreadable", section=INPUT, told="Go on with the other files when one cannot be read.")
REJECTS = Flag("--rejects", takes="FILE", section=INPUT, told="Write the rows that could not be read to FILE.")
STRICT = Flag("--strict", section=INPUT, told="End with exit code 6 when rows could not be read.")
SOURCE = Flag("--source", takes=f"[{'|'.join(SOURCES)}]", section=INPUT, told="How usage is read.  [default: auto, or the FILEs]")
NO_ARCHIVE = Flag("--no-archive", section=INPUT, told="Keep nothing of what is fetched on disk.")
ROLLUP = Flag("--rollup", section=INPUT, told="FILEs are rollups: sums per hour that a warehouse computed.")
LAZY = Flag("--lazy", section=INPUT, told="Leave events on disk, as when they would not fit into memory.")

_VALUE = "NAME: whole, its last path segment, or a glob such as '*kimi*'"
_ONLY = {
    "usage_type": f"Only this usage type. {_VALUE}. Repeat for alternatives, here and below.",
    "model": "Only this model.",
    "user": "Only this user (e-mail).",
    "bucket": "Only this model bucket.",
    "accelerator": "Only this accelerator type.",
}
_GROUP_BY = "usage_type, model, bucket, user, accelerator, hour, day, month, or a further column."
FILTER_FLAGS = (
    Flag("--range", takes="RANGE", section=TIME, told="7d, mtd, 2026-10, 10-01..10-15, 'last month'; last day included."),
    Flag("--start-time", takes="TIME", section=TIME, told="From then on: 2026-10-01, '2026-10-01 17:16:48' or RFC 3339."),
    Flag("--end-time", takes="TIME", section=TIME, told="Before this time (exclusive)."),
    Flag("--time-zone", takes="ZONE", section=TIME, told="Of days, and of times without an offset.  [default: UTC]"),
    *(Flag(f"--{name.replace('_', '-')}", takes="NAME", section=FILTERS, told=_ONLY[name], repeats=True) for name in DIMENSIONS),
    Flag(
        "--only", takes="DIM=VALUE", section=FILTERS, told="Only this value of any dimension, further columns too.", repeats=True
    ),
    Flag("--without", takes="DIM=VALUE", section=FILTERS, told="All but this value; no VALUE is an empty cell.", repeats=True),
    Flag("--search", takes="TEXT", section=FILTERS, told="Words that must all occur; model:kimi, -word, /regex/."),
    Flag("--where", takes="CONDITION", section=FILTERS, told="A condition on a measure: 'prompt_tokens>1000'.", repeats=True),
    Flag("--group-by", takes="DIM[,DIM]", section=LAYOUT, told=_GROUP_BY),
    Flag("--sort", takes="KEY[,KEY]", section=LAYOUT, told="Columns to sort by, with - before one for descending."),
)
COLUMNS = Flag("--columns", takes="COL[,COL]", section=LAYOUT, told="These columns, in this order; not with --group-by.")

EXPLORER_FLAGS = (
    ACCOUNT_ID, PROFILE, KEY_COMMAND, LOG_FILE, SKIP_UNREADABLE, REJECTS, STRICT, SOURCE, NO_ARCHIVE, ROLLUP, LAZY,
    *FILTER_FLAGS, COLUMNS, HELP_FLAG,
)  # fmt: skip
"""What `fwbill` takes where no command is named, in the order of its help."""
