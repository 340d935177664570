"""One SPF endpoint over HTTP: addresses, credentials, limits; every failure leaves as a fault.

Certificates are always verified, redirects never followed, cookies not kept, proxies from the
environment not used. The password lives in the authorization only, never in a repr or a message.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin

import httpx

from fabric.odata import atom, jsonfmt
from fabric.odata.errors import ODataError
from fabric.providers.abilities import VERSION
from fabric.providers.errors import (
    BrokenAnswer,
    Missing,
    NoAnswer,
    Rejected,
    UnknownSet,
    Unreachable,
)
from fabric.providers.spf import bodies, faults, reading
from fabric.providers.spf.bodies import Dialect
from fabric.providers.spf.doors import BasicAuth, read_address, trust
from fabric.providers.spf.reading import Row

READ_CAP: Final = 64 * 1024 * 1024
MAX_PAGES: Final = 1000
CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 15.0
JSON: Final = "application/json;odata=minimalmetadata"
# For services that speak no light JSON: whatever they do speak.
ANY_FORMAT: Final = (
    "application/json;odata=verbose,application/json;q=0.9,application/atom+xml;q=0.8"
)
# Left as they are in a query: IIS counts its length after encoding.
_PLAIN: Final = "'(),=:/*"
_ID_IN_ADDRESS: Final = re.compile(r"\((?:.*?\bID=)?guid'([0-9a-f-]{36})'", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """A successful answer, read to its end."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def job_id(self) -> uuid.UUID | None:
        """The id of VMM's job; on reads the header holds something else."""
        return reading.guid(self.headers, "x-ms-request-id")

    @property
    def row(self) -> Row:
        """The entity in the body, empty when there is none to be read."""
        try:
            found: Row = _reader(self.body).read_object(self.body)
        except (ODataError, RecursionError):
            return {}
        return found

    @property
    def id(self) -> uuid.UUID | None:
        """The id of what was created: from the body or, should that be cut, from its address."""
        found = reading.guid(self.row, "ID")
        if found is None:
            named = _ID_IN_ADDRESS.search(unquote(self.headers.get("location", "")))
            found = reading.guid({"ID": named[1]}, "ID") if named else None
        return found


class Session:
    """Calls to one endpoint; safe to share between threads. Raises only provider faults.

    Raises BrokenAnswer or CertificateFault at once for an address or an authority that no call
    could be made with.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        authority_pem: str,
        transport: httpx.BaseTransport | None,
        timeout: float,
        version: str = VERSION,
    ) -> None:
        self.version = version
        self.base, self.place = read_address(url)
        self._timeout = timeout
        self._secrets = (password,)
        self._update = "MERGE"
        self._accept = JSON
        self._dialect = Dialect.LIGHT
        self._client = httpx.Client(
            auth=BasicAuth(username, password),
            transport=transport,
            verify=True if transport else trust(authority_pem, self.place),
            timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            limits=httpx.Limits(
                max_connections=20, max_keepalive_connections=10, keepalive_expiry=IDLE_SECONDS
            ),
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
            follow_redirects=False,
            headers={
                "User-Agent": "Katal",
                "Accept-Encoding": "identity",
                "DataServiceVersion": "3.0",
                "MaxDataServiceVersion": "3.0",
            },
        )

    def __repr__(self) -> str:
        return f"Session({self.place!r})"

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def admin(self, path: str) -> str:
        """Return the address of something in the Admin service."""
        return f"{self.base}/{self.version}/Admin/Microsoft.Management.Odata.svc/{path}"

    def vmm(self, path: str, tenant: uuid.UUID | None = None) -> str:
        """Return the address of something in the VMM service, as the tenant sees it if given."""
        inside = f"{tenant}/" if tenant else ""
        return f"{self.base}/{self.version}/VMM/{inside}Microsoft.Management.Odata.svc/{path}"

    def service(self, path: str) -> str:
        """Return the address of something in the Provider or the Usage service: no OData there."""
        return f"{self.base}/{path}"

    def document(self, url: str, *, accept: str = "application/xml") -> bytes:
        """Return a body as it is."""
        return self.send("GET", url, accept=accept).body

    def row(self, url: str) -> Row:
        """Return one entity."""
        found = self.send("GET", url).row
        if not found:
            raise faults.no_spf(self.place)
        return found

    def rows(self, url: str) -> list[Row]:
        """Return a whole feed.

        Raises UnknownSet where the administrator is told that there is no such set."""
        return [row for page in self.pages(url) for row in page]

    def pages(self, url: str, *, size: int = 0) -> Iterator[list[Row]]:
        """Yield a whole feed in parts: of that size, if one is given and the service has pages.

        A next page is followed on the same origin only; any other one is a fault, because a list
        cut short would tell that things are gone."""
        seen: set[str] = set()
        page: str | None = url
        while page is not None:
            if page in seen or len(seen) >= MAX_PAGES or not self._is_own(page):
                raise BrokenAnswer(f"{self.place} answers with a list that cannot be followed.")
            seen.add(page)
            try:
                rows, link = self._page(page, size)
            except Missing as fault:
                if not self._is_set(page):
                    raise
                raise UnknownSet(fault.message, advice=fault.advice) from None
            page = _joined(page, link) if link else None
            yield rows

    def _page(self, url: str, size: int) -> tuple[list[Row], str | None]:
        wish = {"Prefer": f"odata.maxpagesize={size}"} if size else {}
        body = self.send("GET", url, headers=wish).body
        try:
            rows, link, _ = _reader(body).read_feed(body)
        except (ODataError, RecursionError):
            raise faults.no_spf(self.place) from None
        return rows, link

    def count(self, url: str, filter: str) -> int | None:
        """Return how many rows of a set there are, None from a service that does not count."""
        try:
            text = self.document(f"{url}/$count{query(filter=filter)}", accept="text/plain")
            return int(text.lstrip(b"\xef\xbb\xbf"))
        except NoAnswer:
            raise
        except (Missing, Rejected, BrokenAnswer, Unreachable, ValueError):
            # Some break over the question: what they told of machines counts all the same.
            return None

    def _is_set(self, url: str) -> bool:
        """Tell whether an address is that of a set as the administrator sees it."""
        path = url.partition("?")[0]
        return "(" not in path and path.rpartition("/")[0] in (
            self.vmm("").rstrip("/"),
            self.admin("").rstrip("/"),
        )

    def _is_own(self, url: str) -> bool:
        try:
            asked, own = httpx.URL(url), httpx.URL(self.base)
        except httpx.InvalidURL:
            return False
        return (asked.scheme, asked.host, asked.port) == (own.scheme, own.host, own.port)

    def create(
        self,
        url: str,
        body: Mapping[str, object],
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
    ) -> Answer:
        """Post an entity; the answer always has its id."""
        answer = self.send("POST", url, body=body, headers=headers, secrets=secrets)
        if answer.id is None:
            raise faults.no_spf(self.place)
        return answer

    def merge(
        self,
        url: str,
        body: Mapping[str, object],
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
    ) -> Answer:
        """Change the properties given, with PUT where MERGE is not spoken."""
        try:
            return self.send(self._update, url, body=body, headers=headers, secrets=secrets)
        except faults.NotAllowed:
            if self._update == "PUT":
                raise
        answer = self.send("PUT", url, body=body, headers=headers, secrets=secrets)
        self._update = "PUT"
        return answer

    def send(
        self,
        method: str,
        url: str,
        *,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "",
        secrets: Iterable[str] = (),
    ) -> Answer:
        """Make one call and read its answer; raises the fault of anything but success.

        What is refused because of its own format was not done: it is sent again in the next one,
        which goes first from then on. A write that cannot be answered in the format asked for may
        have been done: whoever asked looks, and asks again in the other one.
        """
        while True:
            dialect, asked = self._dialect, accept or self._accept
            try:
                return self._send(method, url, body, dict(headers or {}), asked, dialect, secrets)
            except faults.NotUnderstood:
                following = dialect.next
                if body is None or following is None:
                    raise
                self._dialect = following
            except faults.NotSpoken as fault:
                if asked != JSON:
                    raise
                self._accept = ANY_FORMAT
                if method != "GET":
                    raise Unreachable(fault.message) from None

    def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, object] | None,
        headers: dict[str, str],
        accept: str,
        dialect: Dialect,
        secrets: Iterable[str],
    ) -> Answer:
        """Make one call in one format.

        A read whose connection was cut is made once more, because an idle connection may have been
        closed on the other side just then; a write never is: it may have been done.
        """
        content = None
        writing = method != "GET"
        headers["Accept"] = accept
        if body is not None:
            is_link = "/$links/" in url
            content, headers["Content-Type"] = bodies.encode(body, dialect, is_link=is_link)
        request = self._client.build_request(method, url, content=content, headers=headers)
        try:
            answer = self._exchange(request)
        except httpx.HTTPError as error:
            if writing or not faults.is_cut_off(error):
                raise faults.from_exception(
                    error, self.place, self._timeout, writing=writing
                ) from None
            answer = self._again(request)
        if 200 <= answer.status < 300:
            if faults.is_page(answer.headers):
                raise faults.no_spf(self.place)
            return answer
        raise faults.from_status(
            answer.status,
            answer.headers,
            answer.body,
            place=self.place,
            writing=writing,
            secrets=(*self._secrets, *secrets),
        )

    def _again(self, request: httpx.Request) -> Answer:
        try:
            return self._exchange(request)
        except httpx.HTTPError as error:
            raise faults.from_exception(error, self.place, self._timeout) from None

    def _exchange(self, request: httpx.Request) -> Answer:
        """Send, and read at most READ_CAP bytes within twice the time-out in all."""
        latest = time.monotonic() + 2 * self._timeout
        response = self._client.send(request, stream=True)
        chunks, size = [], 0
        try:
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > READ_CAP:
                    limit = READ_CAP // 2**20
                    raise BrokenAnswer(f"{self.place} answers with more than {limit} MB.")
                if time.monotonic() > latest:
                    raise httpx.ReadTimeout("the answer trickles", request=request)
        finally:
            response.close()
        return Answer(response.status_code, response.headers, b"".join(chunks))


def _joined(page: str, link: str) -> str:
    try:
        return urljoin(page, link)
    except ValueError:
        return ""


def _reader(body: bytes) -> Any:
    """Return the module that reads this body: Atom is understood although JSON was asked for."""
    return atom if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else jsonfmt


def query(**options: str) -> str:
    """Return `?$filter=…&$expand=…`; empty options are left out."""
    parts = [f"${name}={quote(value, safe=_PLAIN)}" for name, value in options.items() if value]
    return f"?{'&'.join(parts)}" if parts else ""
