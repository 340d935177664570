"""How an endpoint is reached: its address, whom its certificate must come from, and credentials."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Generator
from typing import Final
from urllib.parse import quote

import httpx

from fabric.providers.errors import BrokenAnswer, CertificateFault

_HOST: Final = re.compile(r"[A-Za-z0-9._-]+\Z|[0-9A-Fa-f:.]+\Z")


class BasicAuth(httpx.Auth):
    """Basic, sent with the first request already, so no call is made twice to be challenged.

    The standard leaves open how other than ASCII characters travel: UTF-8 goes first, and a
    challenge that does not ask for UTF-8 is answered in Windows' encoding.
    """

    def __init__(self, username: str, password: str) -> None:
        self._values = list(dict.fromkeys(_basic_values(f"{username}:{password}")))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for value in self._values:
            request.headers["Authorization"] = value
            response = yield request
            challenge = response.headers.get("www-authenticate", "").lower()
            if response.status_code != 401 or "basic" not in challenge or "utf-8" in challenge:
                # What was accepted goes first from now on.
                self._values = sorted(self._values, key=value.__ne__)
                return


def _basic_values(credentials: str) -> Generator[str, None, None]:
    for encoding in ("utf-8", "cp1252"):
        try:
            yield f"Basic {base64.b64encode(credentials.encode(encoding)).decode('ascii')}"
        except UnicodeEncodeError:
            continue


def read_address(url: str) -> tuple[str, str]:
    """Return the base address without credentials in it, and `host:port` for people."""
    try:
        found = httpx.URL(url.strip())
    except httpx.InvalidURL:
        found = httpx.URL("")
    name = found.raw_host.decode("ascii")
    if not _HOST.match(name):
        raise BrokenAnswer("The address must look like https://spf.example.net:8090.")
    host = f"[{name}]" if ":" in name else name
    place = f"{host}:{found.port or 443}"
    if found.scheme != "https":
        raise CertificateFault(
            f"{place} must be addressed with https, or the password would travel in the clear."
        )
    return f"https://{place}{quote(found.path.rstrip('/'), safe='/%')}", place


def trust(authority_pem: str, place: str) -> ssl.SSLContext:
    """Return a context that trusts the named authority alone, or the system's."""
    if not authority_pem.strip():
        return ssl.create_default_context()
    try:
        context = ssl.create_default_context(cadata=authority_pem)
    except (ssl.SSLError, ValueError):
        raise CertificateFault(
            f"The authority given for {place} is not a certificate in PEM format.",
            advice="Paste the text from BEGIN CERTIFICATE to END CERTIFICATE.",
        ) from None
    # The certificate named may be the server's own, or one in the middle.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
