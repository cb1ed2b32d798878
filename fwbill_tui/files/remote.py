"""Usage exports in object storage (`s3://`, `gs://`, `az://`), read by Polars' own readers.

Credentials, region and endpoint are found as Polars and every other tool of the cloud finds them: in the environment
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_NAME`, …), from the
machine's role, and from the cloud's own configuration files where its Python package is installed. None pass through here.

CSV comes as lines of text, which go through the same reader as a local file's bytes: a row that cannot be read is set
aside alone, with its line number. An object with bytes that are not UTF-8 is refused as a whole.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from typing import BinaryIO, Literal, cast

import polars as pl

from fwbill_tui.files.compressed import BlockStream
from fwbill_tui.files.parquet_reader import read_parquet
from fwbill_tui.usage.csv_reader import read_csv
from fwbill_tui.usage.names import ExportFormatError
from fwbill_tui.usage.schema import Batch, EventTypes

_CSV = (".csv", ".csv.gz", ".csv.zst")
_PATH, _LINE = "path", "line"
_LONGEST_REASON = 300


def kind_of(url: str) -> Literal["csv", "parquet"]:
    """What the objects of a URL or pattern are, by how it ends. Raises ExportFormatError when that does not say."""
    if url.lower().endswith(".parquet"):
        return "parquet"
    if url.lower().endswith(_CSV):
        return "csv"
    example = f"{url.rstrip('/')}/*.parquet"
    raise ExportFormatError(f"{url}: name objects that end in {', '.join(_CSV)} or .parquet, or a pattern such as {example}")


def read_objects(url: str, types: EventTypes) -> Generator[Batch, None, None]:
    """Read the object of a URL, or all that match a pattern, in the order of their names.

    Raises ExportFormatError for everything that goes wrong, and TooManyLabels as reading files does.
    """
    if kind_of(url) == "parquet":
        for name in parquet_objects(url):
            with told_plainly(name), closing(read_parquet(name, source=name, types=types, size=0)) as batches:
                yield from batches
    else:
        for name, stream in csv_objects(url):
            # What Polars cannot read may be of an object that follows: lines of several come together.
            with told_plainly(url), closing(read_csv(stream, source=name, types=types)) as batches:
                yield from batches


# Polars asks a store where a bucket is, and warns that this took a request; what then fails is said here.
warnings.filterwarnings("ignore", message=r".*region' not set", category=UserWarning)


def parquet_objects(url: str) -> list[str]:
    """The URLs of the Parquet objects that match, sorted; read with `pl.scan_parquet(name, glob=False)`."""
    if not re.search(r"[*?\[]", url):
        return [url]
    with told_plainly(url):
        found = pl.scan_parquet(url, include_file_paths=_PATH, missing_columns="insert", extra_columns="ignore")
        names: list[str] = found.select(pl.col(_PATH).unique().sort()).collect().to_series().to_list()
    if not names:
        raise ExportFormatError(f"{url}: the objects that match this pattern are empty")
    return names


def csv_objects(url: str) -> Iterator[tuple[str, BinaryIO]]:
    """The URL and the decompressed bytes of each CSV object that matches; read one to its end before the next."""
    seen = False
    with told_plainly(url):
        batches = pl.scan_lines(url, name=_LINE, include_file_paths=_PATH).collect_batches(maintain_order=True)
        pieces = (piece for batch in batches for piece in batch.partition_by(_PATH, maintain_order=True))
        for name, own in groupby(pieces, key=lambda piece: str(piece.item(0, _PATH))):
            seen = True
            yield name, cast(BinaryIO, io.BufferedReader(BlockStream(map(_text, own)), 1 << 20))
    if not seen:
        raise ExportFormatError(f"{url}: no such object, or none that has anything in it")


def _text(piece: pl.DataFrame) -> bytes:
    text: str = piece.get_column(_LINE).str.join("\n").item()
    return text.encode() + b"\n"


@contextmanager
def told_plainly(name: str) -> Iterator[None]:
    """Turn what Polars says of a store into a line for a person."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        if "more categories than" in str(error):
            raise
        raise ExportFormatError(f"{name}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    said = str(error)
    if isinstance(error, FileNotFoundError) or "NoSuchBucket" in said:
        return "there is no such object, or no such bucket"
    if re.search(r"\b40[13]\b|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch", said):
        return "the store refuses access: check the credentials in the environment, and that they may read this"
    if isinstance(error, ConnectionError) or "error sending request" in said:
        return "the store cannot be reached: check the network, and the endpoint and region in the environment"
    if "expanded paths were empty" in said:
        return "no object matches this pattern"
    if "invalid utf8" in said:
        return "it has bytes that are not UTF-8 text: download it and open the copy, of which only those rows are left out"
    said = re.sub(r"\s*\(path: .*?\)$|<\?xml.*", "", said.partition("\n")[0].removeprefix("object-store error: "))
    return said[:_LONGEST_REASON].rstrip(" :")
