"""What is typed of an SPF endpoint, made whole or refused at its field."""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptography import x509
from django.utils.translation import gettext as _

from tenants.errors import Refused

PORT = 8090


def clean_url(url: str) -> str:
    """Return scheme, host and port only: the rest is SPF's own business."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise Refused(
            _("This is no address. Example: https://spf.example.net:8090"), field="url"
        ) from error
    if parts.scheme != "https" or not parts.hostname:
        raise Refused(
            _("Give the address with https, as https://spf.example.net:8090"), field="url"
        )
    if parts.username or parts.password:
        raise Refused(_("Give the account below, not in the address."), field="url")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}:{port or PORT}"


def host_of(url: str) -> str:
    """Return the host of a clean address."""
    return urlsplit(url).hostname or ""


def clean_authority(pem: str) -> str:
    """Return certificates in PEM form as they are, "" for the public authorities."""
    pem = pem.strip()
    if pem:
        try:
            x509.load_pem_x509_certificates(pem.encode())
        except ValueError as error:
            raise Refused(
                _("This is no certificate in PEM form (-----BEGIN CERTIFICATE-----)."),
                field="authority_pem",
            ) from error
    return pem
