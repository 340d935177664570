"""What must hold of every answer, whatever was asked."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from tests.fuzz.generator import Sent
from tests.fuzz.wire import Answer
from tests.fuzz.world import CANARY, FILE_CANARY, HINT, SECRET, WEAK_PASSWORD
from tests.realspf import CHARLIE, PASSWORD

SLOW = 2.0
# Not offered, and said so.
MEANT = (501,)
NEVER = (
    CANARY,
    CHARLIE,
    SECRET,
    FILE_CANARY,
    PASSWORD,
    WEAK_PASSWORD,
    "Traceback (most",
    "psycopg",
)
NEVER_IN_A_REFUSAL = (HINT,)
# Past this the connection is closed on who is still sending; the 413 before it may get lost.
LONGEST_BODY = 2 * 1_048_576
LONGEST_CHECKED = 5_000_000


def flaws(sent: Sent, answer: Answer) -> list[str]:
    """Return what is wrong with an answer, its time apart."""
    if answer.status == 0:
        is_cut_off = sent.is_broken or len(sent.body) > LONGEST_BODY
        return [] if is_cut_off else ["no answer"]
    found = []
    if answer.status >= 500 and answer.status not in MEANT:
        found.append(f"status {answer.status}")
    heads = "\n".join(f"{name}: {value}" for name, value in answer.headers)
    told = f"{heads}\n{answer.body.decode('utf-8', 'replace')}".lower()
    found += [f"shows {word}" for word in NEVER if word.lower() in told]
    if answer.status >= 400:
        found += [
            f"refuses and shows {word}" for word in NEVER_IN_A_REFUSAL if word.lower() in told
        ]
    if "x-injected" in heads.lower() or "evil" in heads.lower():
        found.append("lets a header be injected")
    if (problem := _malformed(answer)) and sent.method != b"HEAD":
        found.append(problem)
    return found


def secrets_in(log: str) -> list[str]:
    """Return what a log shows and must not."""
    hidden = (SECRET, HINT, PASSWORD, WEAK_PASSWORD, CANARY)
    return [f"the log shows {word}" for word in hidden if word.lower() in log.lower()]


def _malformed(answer: Answer) -> str:
    if not answer.body or len(answer.body) > LONGEST_CHECKED:
        return ""
    try:
        if "json" in answer.content_type:
            json.loads(answer.body, parse_constant=_no_number)
        elif "xml" in answer.content_type:
            ElementTree.fromstring(answer.body)
    except (ValueError, ElementTree.ParseError) as error:
        return f"is not well formed: {error}"
    return ""


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")
