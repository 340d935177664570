"""Puts requests together: number so-and-so of a seed is always the same one."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from random import Random

from fabric.odata.schema import EntitySet
from fabric.spf.edm import VMM
from tests.fuzz.addresses import Addresses, astray, encoded, root
from tests.fuzz.bodies import Bodies
from tests.fuzz.questions import Questions
from tests.fuzz.values import UGLY, guid, nobody
from tests.fuzz.world import WEAK, WEAK_PASSWORD, Known
from tests.realspf import ACCOUNT, PASSWORD

READS = ("GET",) * 11
WRITES = (*("POST",) * 4, *("MERGE", "PUT", "PATCH") * 2, "DELETE")
ODD_METHODS = (
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "SEARCH",
    "X" * 40,
    "CONNECT",
    "QUERY",
)
ACCEPTS = (
    *("application/json",) * 30,
    *("application/atom+xml,application/xml", "application/atom+xml", "*/*") * 8,
    *("application/json;odata=fullmetadata", "application/json;odata=nometadata") * 5,
    *("application/json;odata=verbose", "application/json;odata=minimalmetadata") * 5,
    *("text/plain", "text/html", "", ";", "application/json;q=x", "a/b;q=0.1,*/*;q=0"),
    ",".join(["application/json;q=0.1"] * 300),
)
VERSIONS = (
    *("3.0;NetFx", "2.0;NetFx", "1.0") * 4,
    "3.0",
    "2.0",
    "4.0",
    "0",
    "-1",
    "x" * 200,
    "3.0;" * 50,
)
PREFERENCES = (
    "return-content",
    "return-no-content",
    "return-content,return-no-content",
    ";;,",
    "x=y",
)


@dataclass
class Sent:
    """One request as it goes over the wire."""

    name: str
    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    is_broken: bool = False
    """Not HTTP: the server may hang up without a word."""

    def wire(self) -> bytes:
        lines = [b"%s %s HTTP/1.1" % (self.method, self.target)]
        lines += [b"%s: %s" % header for header in self.headers]
        return b"\r\n".join([*lines, b"", b""]) + self.body


class Generator:
    """Makes the requests of one seed."""

    def __init__(self, seed: str, known: Known) -> None:
        self.seed, self.known = seed, known

    def request(self, number: int) -> Sent:
        """Return the request of this number."""
        name = f"{self.seed}:{number}"
        return _Maker(Random(name), self.known).request(name)


class _Maker:
    def __init__(self, random: Random, known: Known) -> None:
        self.random, self.known = random, known
        self.addresses = Addresses(random, known, VMM)
        self.bodies = Bodies(random, known, VMM, self.addresses)

    def request(self, name: str) -> Sent:
        sent = self._some(name)
        sent.is_broken |= not _is_address(sent.target)
        return sent

    def _some(self, name: str) -> Sent:
        kind = self.random.random()
        if kind < 0.03:
            return self._astray(name)
        if kind < 0.1:
            return self._batch(name)
        sent = self._ordinary(name)
        if kind < 0.2:
            self._mutate(sent)
        if kind > 0.97:
            self._break(sent)
        return sent

    def _ordinary(self, name: str) -> Sent:
        random, entity_set = self.random, self.addresses.some_set()
        method = (
            random.choice(READS + WRITES) if random.random() < 0.96 else random.choice(ODD_METHODS)
        )
        sent = Sent(name, method.encode(), self._target(entity_set, method))
        sent.headers = self._headers()
        if method in WRITES and (method != "DELETE" or random.random() < 0.1):
            self._give_body(sent, *self.bodies.some(entity_set))
        if method == "POST" and random.random() < 0.15:
            verb = random.choice((*WRITES, "GET", "OPTIONS", "", "merge"))
            header = random.choice((b"X-HTTP-Method", b"X-HTTP-Method-Override"))
            sent.headers.append((header, verb.encode()))
        return sent

    def _target(self, entity_set: EntitySet, method: str) -> bytes:
        """An address the method may be meant for, more often than not."""
        random, kind = self.random, self.random.random()
        if method in READS or kind < 0.25:
            path = self.addresses.path(entity_set)
        elif method == "POST":
            actions = entity_set.type.actions if random.random() < 0.5 else ()
            ends = [f"{self.addresses.entity(entity_set)}/{each}" for each in actions]
            path = random.choice([entity_set.name, *ends])
        else:
            path = self.addresses.entity(entity_set)
        query = Questions(random, self.known, VMM, entity_set).query()
        if method in WRITES and random.random() < 0.7:
            query = random.choice(("", "RunAsynchronously=1"))
        door = root(random, self.known).encode()
        found = door + b"/" + encoded(random, path)
        return found + (b"?" + encoded(random, query) if query else b"")

    def _astray(self, name: str) -> Sent:
        """Beside the door: with an account that has no rights in VMM, or with none."""
        random = self.random
        target = astray(random, self.known).encode("utf-8", "surrogatepass")
        target = b"".join(bytes([each]) for each in target if each > 32)
        sent = Sent(name, random.choice((b"GET", b"POST", b"DELETE")), target or b"/")
        if random.random() < 0.1:
            sent.headers = self._headers((WEAK, "wrong password"))
        else:
            sent.headers = self._headers((WEAK, WEAK_PASSWORD))
        if random.random() < 0.1:
            sent.headers = [each for each in sent.headers if each[0] != b"Authorization"]
        return sent

    def _batch(self, name: str) -> Sent:
        random, door = self.random, root(self.random, self.known).encode()
        count = random.choice((0, 1, 2, 2, 3, 5, 30, 300))
        parts = [self._inner(self._ordinary(name), door) for _ in range(min(count, 30))]
        parts *= 10 if count == 300 else 1
        sent = Sent(name, b"POST", door + b"/$batch", self._headers())
        self._give_body(sent, *self.bodies.batch(parts))
        if random.random() < 0.15:
            self._mutate(sent)
        return sent

    def _inner(self, sent: Sent, door: bytes) -> bytes:
        random = self.random
        charlie = self.known.world.charlie.encode()
        if random.random() < 0.15:
            other = random.choice((b"/SC2012R2/VMM/%s/" % charlie, b"/SC2012R2/VMM/"))
            sent.target = other + b"Microsoft.Management.Odata.svc/VirtualMachines"
        kind = random.random()
        if kind < 0.3:
            sent.target = b"https://" + self.known.host.encode() + sent.target
        elif kind < 0.6:
            sent.target = sent.target.removeprefix(door + b"/")
        elif kind < 0.65:
            sent.target = b"$1/" + sent.target
        sent.headers = [each for each in sent.headers if each[0] != b"Authorization"]
        return sent.wire()[:20_000]

    def _headers(self, account: tuple[str, str] = (ACCOUNT, PASSWORD)) -> list[tuple[bytes, bytes]]:
        random = self.random
        token = base64.b64encode(":".join(account).encode())
        headers = [
            (b"Host", self.known.host.encode()),
            (b"Authorization", b"Basic " + token),
            (b"Accept", random.choice(ACCEPTS).encode()),
            (b"x-ms-principal-id", self._principal()),
        ]
        for chance, name, values in (
            (0.2, b"MaxDataServiceVersion", ("3.0;NetFx", "2.0;NetFx", "1.0")),
            (0.02, b"MaxDataServiceVersion", VERSIONS),
            (0.03, b"DataServiceVersion", VERSIONS),
            (0.1, b"Prefer", PREFERENCES),
            (0.05, b"If-Match", ("*", 'W/"1"', '"x"', "x" * 5_000)),
            (0.05, b"If-None-Match", ("*", '"x"')),
            (0.05, b"x-ms-client-request-id", (nobody(random), guid(random, self.known), "x", "'")),
            (0.03, b"DataServiceUrlConventions", ("KeyAsSegment", "x")),
            (0.03, b"Accept-Encoding", ("gzip", "br, gzip;q=0", "x")),
            (0.02, b"Range", ("bytes=0-1", "bytes=-1", "x")),
            (0.02, b"Content-Encoding", ("gzip", "deflate", "x")),
            (0.02, b"Cookie", ("sessionid=x", ";" * 500)),
            (0.02, b"X-Forwarded-Host", ("evil.example",)),
            (0.02, b"X-Original-URL", (f"/SC2012R2/VMM/{self.known.world.charlie}/x.svc/",)),
            (0.02, b"Accept-Language", ("de", "é", "*" * 200)),
            (0.02, b"X-Long", ("x" * 7_000, "x" * 100_000)),
        ):
            if random.random() < chance:
                headers.append((name, random.choice(values).encode("utf-8", "surrogatepass")))
        if random.random() < 0.01:
            headers[0] = (
                b"Host",
                random.choice((b"evil.example", b"", b"localhost:1", b"a b", b"[::1")),
            )
        return headers

    def _principal(self) -> bytes:
        if self.random.random() < 0.95:
            return b"alice@example.net"
        raw = self.random.choice(
            (*UGLY, "%00", "%zz", "j%C3%BCrgen", "%ff", "a" * 400, "x%0d%0aA: b")
        )
        sent = raw.encode("utf-8", "surrogatepass")[:3_000]
        # With other control characters it would not be HTTP.
        kept = [each for each in sent if each > 31 and each != 127]
        return bytes(kept)

    def _give_body(self, sent: Sent, content_type: str, body: bytes) -> None:
        random = self.random
        if random.random() < 0.95:
            sent.headers.append((b"Content-Type", content_type.encode()))
        kind = random.random()
        if kind < 0.8:
            sent.body = body
            sent.headers.append((b"Content-Length", b"%d" % len(body)))
        else:
            sent.headers.append((b"Transfer-Encoding", b"chunked"))
            sent.body = chunked(random, body)
        if random.random() < 0.05:
            sent.headers.append((b"Expect", random.choice((b"100-continue", b"200-ok"))))

    def _mutate(self, sent: Sent) -> None:
        """Change some bytes below the door, or of the body; the length stays told truly."""
        random = self.random
        if sent.body and random.random() < 0.6:
            if any(name == b"Content-Length" for name, _ in sent.headers):
                sent.body = mutated(random, sent.body)
                told = (b"Content-Length", b"%d" % len(sent.body))
                sent.headers = [told if each[0] == told[0] else each for each in sent.headers]
            return
        door, slash, rest = sent.target.partition(b".svc/")
        if self.known.world.alice.encode() not in door:
            # Without her id the account would be the administrator, who may see everything.
            return
        changed = mutated(random, rest)
        sent.target = door + slash + bytes(each for each in changed if each > 32 and each != 127)

    def _break(self, sent: Sent) -> None:
        """Make it something other than HTTP."""
        random = self.random
        sent.is_broken = True
        kind = random.randrange(7)
        length = b"Content-Length"
        if kind == 0:
            sent.headers.append(
                (length, random.choice((b"5", b"-1", b"x", b"99999999999999999999")))
            )
        elif kind == 1:
            sent.headers = [
                (name, b"7" if name == length else value) for name, value in sent.headers
            ]
        elif kind == 2:
            sent.headers += [(b"Transfer-Encoding", b"chunked"), (length, b"3")]
            sent.body = random.choice(
                (b"0\r\n\r\nGET / HTTP/1.1\r\n", b"zz\r\n", b"ffffffffffffffff\r\na")
            )
        elif kind == 3:
            sent.target = sent.target + random.choice(
                (b" x", b"\x00", b"\t", b"\r\nEvil: yes", b"\x80")
            )
        elif kind == 4:
            sent.headers.append(random.choice(((b"Bad Name", b"x"), (b"", b"x"), (b"A", b"\x00"))))
        elif kind == 5:
            sent.method = random.choice((b"", b"\x00", b"G ET", b"PRI", b"GET\r\n"))
        else:
            sent.body += random.randbytes(random.choice((1, 40, 4_000)))


def _is_address(target: bytes) -> bool:
    """Tell what HTTP takes for an address from raw bytes that it need not answer."""
    try:
        return not set(target.decode()) & set('<>^`|\\"')
    except UnicodeDecodeError:
        return False


def chunked(random: Random, body: bytes) -> bytes:
    """Return a body in chunks of its announced sizes."""
    size = random.choice((1_000_000, 4_096, max(1, len(body) // 7)))
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces) + b"0\r\n\r\n"


def mutated(random: Random, raw: bytes) -> bytes:
    """Return bytes with a few of them flipped, gone, doubled, or replaced by ugly ones."""
    changed = bytearray(raw)
    for _ in range(random.choice((1, 1, 2, 4, 10))):
        at = random.randrange(len(changed) + 1)
        end = at + random.choice((0, 1, 1, 3, 20))
        ugly = random.choice(UGLY).encode("utf-8", "surrogatepass")[:100]
        new = (random.randbytes(1), b"", changed[at:end] * 3, ugly, b"'", b"(", b"%", b"<", b'"')
        changed[at:end] = random.choice(new)
    return bytes(changed)
