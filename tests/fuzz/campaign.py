"""Sends the requests, judges the answers, watches the process."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz import judge
from tests.fuzz.generator import Generator, Sent
from tests.fuzz.wire import Answer, Wire
from tests.fuzz.world import Known, books
from tests.realspf import RealSPF
from tests.stack import family, process_table

# Caches fill and pools grow until about then.
WARM_UP = 4_000
MOST_GROWTH_MB = 24.0
_REFERENCE = re.compile(rb"reference ([0-9a-f]{8})")


@dataclass
class Finding:
    """Something that must not be, and the first request that showed it."""

    flaw: str
    sent: Sent
    answer: Answer
    place: str = ""
    times: int = 1

    def told(self) -> str:
        wire = self.sent.wire()
        shown = wire[:600] + (b" ... %d bytes" % len(wire) if len(wire) > 600 else b"")
        return (
            f"{self.flaw} ({self.times} times) {self.place}\n"
            f"  again: python -m tests.fuzz 1 {self.sent.name}\n"
            f"  {shown!r}\n  -> {self.answer.status} {self.answer.body[:300]!r}"
        )


@dataclass
class Result:
    """What came of a campaign."""

    seed: str
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    slowest: tuple[float, str] = (0.0, "")
    memory_mb: list[float] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    def told(self) -> str:
        """Return everything in words."""
        statuses = ", ".join(
            f"{status}: {count}" for status, count in sorted(self.statuses.items())
        )
        memory = " → ".join(f"{each:.0f}" for each in self.memory_mb)
        lines = [
            f"seed {self.seed}: {self.sent} requests",
            f"answers {statuses}",
            f"slowest {self.slowest[0]:.2f} s ({self.slowest[1]})",
            f"memory {memory} MB",
            *self.wrongs,
            *(finding.told() for finding in self.findings.values()),
        ]
        return "\n".join(lines)

    @property
    def is_clean(self) -> bool:
        return not (self.findings or self.wrongs)


class Campaign:
    """A number of requests against one running SPF."""

    def __init__(self, spf: RealSPF, known: Known, say: Callable[[str], None] = print) -> None:
        self._spf, self._known, self._say = spf, known, say
        self._wire = Wire(spf.stack.ports["spf"], spf.stack.authority)

    def run(self, count: int, seed: str) -> Result:
        """Send so many requests of a seed, or the one a `seed:number` names."""
        before = books(self._spf)
        result = Result(seed)
        samples = max(1, count // 10)
        for sent in self._requests(count, seed):
            self._try(sent, result)
            if result.sent % samples == 0:
                result.memory_mb.append(self.memory_mb())
                self._say(f"{result.sent} sent, {len(result.findings)} findings")
        self._wire.close()
        result.wrongs += judge.secrets_in(self._spf.stack.log("spf"))
        result.wrongs += _growth(result.memory_mb, count)
        if books(self._spf) != before:
            result.wrongs.append("charlie's books have changed")
        return result

    def memory_mb(self) -> float:
        """Return the resident memory of the SPF process and its children."""
        _, parents = process_table()
        pids = family(self._spf.stack.running["spf"].pid, parents)
        return sum(_resident(pid) for pid in pids) / 1024

    def _requests(self, count: int, seed: str) -> Iterator[Sent]:
        base, _, number = seed.partition(":")
        generator = Generator(base, self._known)
        first = int(number or 0)
        return (generator.request(each) for each in range(first, first + count))

    def _try(self, sent: Sent, result: Result) -> None:
        answer = self._wire.ask(sent)
        result.sent += 1
        result.statuses[answer.status] += 1
        found = judge.flaws(sent, answer)
        if not sent.is_broken:
            result.slowest = max(result.slowest, (answer.seconds, sent.name))
            if answer.seconds > judge.SLOW and self._is_slow_again(sent):
                found.append(f"slower than {judge.SLOW} s")
        for flaw in found:
            place = self._place(answer)
            known = result.findings.setdefault((flaw, place), Finding(flaw, sent, answer, place, 0))
            known.times += 1

    def _is_slow_again(self, sent: Sent) -> bool:
        """Tell a slow request from a busy machine."""
        return all(self._wire.ask(sent).seconds > judge.SLOW for _ in range(2))

    def _place(self, answer: Answer) -> str:
        """Return where the server broke, from its log."""
        found = _REFERENCE.search(answer.body)
        if found is None:
            return ""
        _, _, after = self._spf.stack.log("spf").partition(found[1].decode())
        frames = re.findall(r'File "([^"]+)", line (\d+)', after.partition("reference ")[0])
        told = after.partition("\n")[0].strip(" :")[:200]
        ours = [f"{Path(file).name}:{line}" for file, line in frames if "site-packages" not in file]
        return f"{told} at {' < '.join(reversed(ours[-4:]))}"


def _growth(samples: list[float], count: int) -> list[str]:
    if count < 2 * WARM_UP or len(samples) < 10:
        return []
    warm = samples[len(samples) * WARM_UP // count]
    grown = samples[-1] - warm
    if grown <= MOST_GROWTH_MB:
        return []
    return [f"memory has grown by {grown:.0f} MB since the warm-up"]


def _resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return float(found[1]) if found else 0.0
