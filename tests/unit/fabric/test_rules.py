"""Names, tags, sizes and commands: plain values in, a reason or None out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric import rules
from fabric.states import (
    ALWAYS_GRANTED,
    BUSY,
    GRANTABLE,
    POSSIBLE,
    MachineState,
    Verb,
    missing_for,
)
from tenants.rights import Right

EVERYTHING = frozenset(ALWAYS_GRANTED) | frozenset(GRANTABLE)


def test_every_command_knows_where_it_fits_and_what_it_needs():
    assert set(POSSIBLE) == set(Verb)
    for states, permission in POSSIBLE.values():
        assert set(states) <= set(MachineState) - set(BUSY)
        assert permission in EVERYTHING
        assert permission in Right.values


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("state", MachineState)
def test_a_command_fits_or_says_in_words_why_not(verb, state):
    reason = rules.why_not(state, verb, EVERYTHING, in_rescue=verb == Verb.END_RESCUE)
    assert (reason is None) == (state in POSSIBLE[verb][0])
    assert reason is None or reason.endswith(".")


@pytest.mark.parametrize(
    ("verb", "granted", "missing"),
    [
        (Verb.RESTART, {"Shutdown"}, "Start"),
        (Verb.RESET, {"Start"}, "Stop"),
        (Verb.RESTORE, {"CheckpointRestoreOnly"}, None),
        (Verb.RESTORE, set(), "Checkpoint"),
        (Verb.REBUILD, {"Create", "Start", "Stop"}, "Remove"),
    ],
)
def test_some_commands_need_more_or_something_else(verb, granted, missing):
    assert missing_for(verb, granted) == missing


def test_protection_keeps_what_would_be_lost():
    for verb in (Verb.DELETE, Verb.REBUILD):
        assert "protected" in rules.why_not("stopped", verb, EVERYTHING, protected=True)
    assert rules.why_not("stopped", Verb.START, EVERYTHING, protected=True) is None


@given(st.lists(st.text(max_size=60), max_size=30))
def test_tags_come_out_clean_or_are_refused(tags):
    try:
        cleaned = rules.clean_tags(tags)
    except ValueError:
        return
    assert cleaned == sorted(set(cleaned))
    assert all(0 < len(tag) <= rules.TAG_LENGTH and tag == tag.lower() for tag in cleaned)
    assert rules.clean_tags(cleaned) == cleaned


def test_a_pattern_counts_in_its_last_places():
    assert rules.pattern_names("web##", 3) == ["web01", "web02", "web03"]
    assert rules.pattern_names("a#-b##-x", 2, first=98) == ["a#-b98-x", "a#-b99-x"]


@given(st.text(max_size=20), st.integers(-2, 60), st.integers(-2, 200))
def test_a_pattern_makes_that_many_names_or_none(pattern, count, first):
    try:
        names = rules.pattern_names(pattern, count, first)
    except ValueError:
        return
    assert len(set(names)) == count


@pytest.mark.parametrize(
    ("size", "field"),
    [
        ((1, 512), None),
        ((0, 512), "cores"),
        ((5, 512), "cores"),
        ((2, 256), "memory_mb"),
        ((2, 4096), "memory_mb"),
    ],
)
def test_a_size_stays_within_what_is_allowed(size, field):
    problem = rules.size_problem(*size, least=(None, 512), most=(4, 2048))
    assert (problem and problem[0]) == field
