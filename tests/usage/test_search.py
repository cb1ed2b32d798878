"""The search line: what its words mean, and which labels and free texts they find."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usage_reference import Term
from usage_strategies import ledger_of, searches, written

from fwbill_tui.usage.query import Query, QueryError
from fwbill_tui.usage.search import MOST_CHARACTERS, SearchTerm, parse_search, refuse_unfinished, unknown_names

AT = datetime(2026, 10, 1, tzinfo=UTC)
COLUMN_OF = {"type": "usage_type", "model": "base_model_name", "user": "email"}


@settings(max_examples=100, deadline=None)
@given(searches(["tag"]), st.data())
def test_a_line_is_read_as_it_was_meant(terms: list[Term], data: st.DataObject) -> None:
    line = written(data.draw, terms)
    dimensions = {"base_model_name": "model", "model_bucket": "bucket", "email": "user", "accelerator_type": "accelerator"}
    read = parse_search(line, ("tag",))
    assert [(term.dimension, term.negative, term.regex) for term in read] == [
        (term.column and dimensions.get(term.column, term.column), term.negative, term.regex) for term in terms
    ]
    assert [term.text.replace("\\/", "/") for term in read] == [term.text for term in terms]


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("", []),
        ("  ", []),
        ("kimi k3", [SearchTerm("kimi"), SearchTerm("k3")]),
        ('"kimi k3"', [SearchTerm("kimi k3")]),
        ('"kimi k3', [SearchTerm("kimi k3")]),
        ("model:kimi", [SearchTerm("kimi", "model")]),
        ("TYPE:text", [SearchTerm("text", "usage_type")]),
        ("-user:ci", [SearchTerm("ci", "user", negative=True)]),
        ('-model:"a b"', [SearchTerm("a b", "model", negative=True)]),
        ("12:30", [SearchTerm("12:30")]),
        ("nope:kimi", [SearchTerm("nope:kimi")]),
        ("a:b:c", [SearchTerm("a:b:c")]),
        ("/k[23]/", [SearchTerm("k[23]", regex=True)]),
        ("-model:/k.$/", [SearchTerm("k.$", "model", negative=True, regex=True)]),
        ("accounts/fireworks", [SearchTerm("accounts/fireworks")]),
        ("tag:blue", [SearchTerm("tag:blue")]),
        # Still being typed: restricts nothing yet.
        ("model:", []), ("-", []), ("-model:", []), ("/", []), ("/(", []), ("//", []), ('"', []), ('model:"', []),
        ("model:/ki(", []),
        # A regex need not be closed.
        ("/ki", [SearchTerm("ki", regex=True)]),
        ("-model:/k.$", [SearchTerm("k.$", "model", negative=True, regex=True)]),
        # A word with its quotes inside is a word.
        ('5"x', [SearchTerm('5"x')]),
        ("--x", [SearchTerm("-x", negative=True)]),
        ("x-", [SearchTerm("x-")]),
        (":", [SearchTerm(":")]),
    ],
)  # fmt: skip
def test_lines_as_people_write_them(line: str, terms: list[SearchTerm]) -> None:
    assert list(parse_search(line)) == terms


@pytest.mark.parametrize("line", ["model:", "kimi -", "//", "/(", "/", '""', "user:ana type:"])
def test_a_word_that_restricts_nothing_is_refused_where_nobody_types_on(line: str) -> None:
    with pytest.raises(QueryError, match="looks for nothing"):
        refuse_unfinished(line)


@pytest.mark.parametrize("line", ["", "kimi -preview", "model:kimi /k[23]/", "/k", "12:30", '"text completion"'])
def test_a_whole_search_is_not_refused(line: str) -> None:
    refuse_unfinished(line)


def test_words_in_quotes_find_a_type_as_it_is_shown() -> None:
    types = ("TEXT_COMPLETION_INFERENCE_USAGE", "EMBEDDING_USAGE")
    ledger = ledger_of([{"start_time": AT, "usage_type": name} for name in types])
    assert ledger.totals(Query(search='"text completion"')).events == 1
    assert ledger.totals(Query(search='"completion text"')).events == 0


ODD = list('a-:/"\\([{.*+?)]} \tmodel é')
ODD_REGEXES = st.builds(
    "{}{}/{}/{}".format, st.sampled_from(["", "a ", "-"]), st.sampled_from(["", "model:", "note:", "nope:"]),
    st.text(st.sampled_from(ODD), max_size=8), st.sampled_from(["", " ", " b"]),
)  # fmt: skip


def test_any_line_is_read_or_refused_in_one_line() -> None:
    outcomes: set[str] = set()

    @settings(max_examples=300, deadline=None)
    @given(st.text(st.sampled_from(ODD), max_size=25) | ODD_REGEXES)
    def asked(line: str) -> None:
        try:
            LEDGER.check(Query(search=line))
        except QueryError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017
            with pytest.raises(QueryError):
                LEDGER.totals(Query(search=line))
            outcomes.add("refused")
        else:
            LEDGER.totals(Query(search=line))
            outcomes.add("read")

    asked()
    assert outcomes == {"read", "refused"}


@pytest.mark.parametrize(
    "pattern",
    ["(", "[z-a]", "*", "a{5,2}", "(?P<n>a)(?P<n>b)", "(?=a)", r"(a)\1", "x{1000}{1000}", "(?z)"],
)
def test_a_broken_regex_says_so(pattern: str) -> None:
    with pytest.raises(QueryError, match="not a regular expression") as refused:
        parse_search(f"/{pattern}/ ")
    message = str(refused.value)
    assert message.startswith(f"/{pattern}/")
    assert "(?i)" not in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("word", ["k", "é", "𐐀", "[", "_ ", "a ", "-a ", "/k", "/k/ ", '"_ ', "/k{9}", "user:"])
def test_a_line_of_any_length_is_answered_or_refused_in_one_line(word: str) -> None:
    line = word * (MOST_CHARACTERS // len(word))
    LEDGER.totals(Query(search=line))
    for length in (MOST_CHARACTERS + 1, 120_000, 2_000_000):
        with pytest.raises(QueryError, match=r"^the search is too long .* use at most 2,000$"):
            LEDGER.totals(Query(search=(line * (1 + length // len(line)))[:length]))


@pytest.mark.parametrize("line", ["\udcff", "a\udcffb", "user:\udcff", '"\ud800"', "/\udfff/", "-/\udcff"])
def test_a_line_that_is_no_unicode_is_refused(line: str) -> None:
    with pytest.raises(QueryError, match="not UTF-8"):
        LEDGER.totals(Query(search=line))
    with pytest.raises(QueryError, match="not UTF-8"):
        refuse_unfinished(line)


def test_names_are_looked_for_without_delay_before_very_many_blanks() -> None:
    start = time.process_time()
    assert unknown_names("foo:kimi" + " " * 20_000) == ["foo"]
    assert time.process_time() - start < 5


NOTES = ["Straße", "İstanbul", "ÉTÉ", "kimi", "a.b", "tab\tbed", "KIMI 2", "ſtreet", "νοῦς", "x" * 40]
LETTERS = sorted({*"".join(NOTES), *"".join(NOTES).upper(), *".*+?()[]{}^$|#&~\\-"})
EVENTS = [{"start_time": AT, "usage_type": "T", "model_bucket": note, "note": note} for note in NOTES]
LEDGER = ledger_of(EVENTS, ["note"], most_labels=5)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(st.sampled_from(LETTERS), min_size=1, max_size=3),
        st.sampled_from(NOTES).map(str.lower),
        st.sampled_from(NOTES).map(str.upper),
    ),
    st.booleans(),
)
def test_labels_and_free_text_are_searched_alike(text: str, regex: bool) -> None:
    if any(char.isspace() for char in text) or '"' in text or "/" in text:
        return
    lines = [f"{scope}:/{text}/" if regex else f'{scope}:"{text}"' for scope in ("bucket", "note")]
    answers = []
    for line in lines:
        try:
            answers.append(LEDGER.order(Query(search=line, sort=())).to_list())
        except QueryError as error:
            answers.append(str(error))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("été", ["ÉTÉ"]), ("straße", ["Straße"]), ("STRAẞE", ["Straße"]), ("İST", ["İstanbul"]), ("a.b", ["a.b"]),
        ("Kimi", ["kimi", "KIMI 2"]),
    ],
)  # fmt: skip
def test_letter_case_does_not_matter(word: str, found: list[str]) -> None:
    for scope in ("bucket", "note"):
        rows = LEDGER.order(Query(search=f"{scope}:{word}", sort=()))
        assert LEDGER.events["note"].gather(rows).to_list() == found


def test_an_empty_cell_is_found_by_nothing_and_kept_by_every_exclusion() -> None:
    ledger = ledger_of([{"start_time": AT, "usage_type": "T"}, {"start_time": AT, "usage_type": "T", "email": "a"}])
    for search, rows in [("user:/^$/", []), ("user:/.*/", [1]), ("-user:/.*/", [0]), ("-user:a", [0]), ("-user:zzz", [0, 1])]:
        assert ledger.order(Query(search=search, sort=())).to_list() == rows
