"""Single values: right ones, wrong ones and ugly ones, for URLs and for bodies."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.fuzz.world import SECRET, Known

UGLY = (
    "",
    " ",
    "'",
    "''",
    "O'Hara",
    '"; DROP TABLE vmm_virtualmachine; --',
    "%",
    "_%_",
    "\\",
    "\x00",
    "a\x00b",
    "\x01\x1f\x7f",
    "\r\nX-Injected: yes",
    "<b>&amp;</b>",
    "]]>",
    "${7*7}{{7*7}}",
    "../../etc/passwd",
    "\ufeff",
    "\u202eevil",
    "\ud800",
    "\U0001f427" * 3,
    "e\u0301",
    "İıſß",
    "null",
    "NaN",
    "-1",
    "9" * 25,
    "1e999",
    "0x10",
    "A" * 300,
    "A" * 5_000,
    "é" * 40_000,
)
NUMBERS = (
    *("0", "1", "-1", "2", "7", "255", "256", "32767", "-32769", "2147483647", "2147483648"),
    *("9223372036854775807", "9223372036854775808L", "-9223372036854775809", "1L", "0.5", "1.5M"),
    *("1e3", "1E400", "-1e-400", "1d", "1f", ".5", "1.", "--1", "0x1F", "1_000", "٣", "NaN", "INF"),
    *("-INF", "9" * 39, "9" * 400, "1" + "0" * 5000, "0" * 60 + "1"),
)
MOMENTS = (
    *("2026-02-03T10:00:00", "2026-02-03T10:00", "2026-02-03", "2026-02-03T10:00:00.1234567"),
    *("2026-02-03T10:00:00Z", "2026-02-03T10:00:00+01:00", "2026-02-03T10:00:00 01:00"),
    *("0001-01-01T00:00:00", "0000-00-00T00:00:00", "9999-12-31T23:59:59.9999999"),
    *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00"),
    *("2026-13-01T25:61:61", "10000-01-01T00:00:00", "-0001-01-01T00:00:00", "now()", ""),
    *("2026-02-03T10:00:00+99:99", "2026-02-03T24:00:00", "1e5-01-01T00:00:00"),
)
SPANS = ("PT1H", "-P1D", "P99999999D", "P", "PT", "PT0.0000001S", "P1Y2M", "1:00")
ZERO = "00000000-0000-0000-0000-000000000000"
PASSWORDS = frozenset(
    {"LocalAdminPassword", "Password", "ProductKey", "LinuxAdministratorSSHKey", "AdminPassword"}
)


def guid(random: Random, known: Known) -> str:
    """Return an id: alice's, charlie's, nobody's or none at all."""
    kind = random.random()
    if kind < 0.5:
        return random.choice(random.choice(list(known.mine.values())))
    if kind < 0.75:
        return random.choice(random.choice(list(known.others.values())))
    return random.choice((known.world.stamp, nobody(random), ZERO, known.world.charlie, "g" * 36))


def nobody(random: Random) -> str:
    """Return a random id, the same for the same random numbers."""
    digits = f"{random.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def literal(random: Random, known: Known, edm_type: str | None = None) -> str:
    """Return a literal of a URL, mostly of this type."""
    if edm_type is None or random.random() < 0.06:
        edm_type = random.choice(("Guid", "String", "DateTime", "Int32", "Boolean", "odd"))
    if edm_type == "Guid":
        form = random.choice(("guid'{}'", "guid'{}'", "Guid'{}'", "guid'{{{}}}'", "'{}'", "{}"))
        id = guid(random, known)
        return form.format(id.upper() if random.random() < 0.2 else id)
    if edm_type == "String":
        return quoted(text(random))
    if edm_type == "DateTime":
        form = random.choice(("datetime'{}'", "datetime'{}'", "datetimeoffset'{}'", "'{}'", "{}"))
        return form.format(random.choice(MOMENTS))
    if edm_type == "Boolean":
        return random.choice(("true", "false", "True", "1", "0", "'true'", "null"))
    if edm_type == "odd":
        span = random.choice(SPANS)
        odd = (
            "null",
            "NULL",
            "binary'00ff'",
            "X'0g'",
            f"time'{span}'",
            "duration'P1D'",
            "$it",
            "@p",
        )
        return random.choice(odd)
    if random.random() < 0.5:
        return str(random.choice((0, 1, 2, 4, 100, 1024, -1)))
    return random.choice(NUMBERS)


def text(random: Random) -> str:
    """Return some text."""
    if random.random() < 0.3:
        return random.choice(UGLY)
    return random.choice(("mine-0", "mine", "Running", "Gold", "front", "web", "CPUUsage", "Hour"))


def quoted(text: str) -> str:
    """Return a string literal of a URL."""
    return "'" + text.replace("'", "''") + "'"


def json_value(random: Random, known: Known, name: str, edm_type: str) -> Any:
    """Return a value for a member of a JSON body, mostly of its type."""
    if name in PASSWORDS:
        return SECRET + str(random.randrange(1000)) if random.random() < 0.9 else [SECRET]
    if random.random() < 0.15:
        return odd_json(random)
    if edm_type == "Guid":
        return guid(random, known)
    if edm_type == "String":
        return text(random)
    if edm_type == "Boolean":
        return random.choice((True, False, "true", "True", "yes", 1))
    if edm_type == "DateTime":
        return random.choice((*MOMENTS, "/Date(1770000000000)/", "/Date(99999999999999999)/"))
    return random.choice(
        (0, 1, 2, 4, -1, 255, 256, 1024, 2**31, 2**63, 2**70, "2", "x", 1.5, 1e300)
    )


def odd_json(random: Random) -> Any:
    """Return a value of no particular type."""
    odd = (None, [], {}, [[]], {"results": []}, [None], {"a": {"b": {}}}, 10**400, True, -0.0)
    return random.choice(odd)
