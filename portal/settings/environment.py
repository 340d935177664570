"""Read the environment, loudly: a missing or malformed value names itself.

A secret NAME may also come as NAME_FILE, the path of a file holding it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict


def text(name: str, default: str | None = None) -> str:
    """Return the value of NAME, of the file NAME_FILE names, or the default."""
    if os.environ.get(name):
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}: {error.strerror}") from error
    if default is None:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE) in the environment.")
    return default


def kept(path: Path) -> str | None:
    """Return the content of a file the launcher keeps, None where there is none."""
    return path.read_text().strip() if path.is_file() else None


def flag(name: str, default: bool) -> bool:
    """Return a yes/no value: 1, true, yes, on against 0, false, no, off."""
    value = text(name, "1" if default else "0").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; it takes 1 or 0.")


def number(name: str, default: float) -> float:
    """Return a number."""
    value = text(name, str(default))
    try:
        return float(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a number.") from error


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(url: str) -> dict[str, Any]:
    """Return Django's connection settings for a postgresql:// URL, sockets included."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured("DATABASE_URL takes a postgresql:// address.")
    known = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": known.pop("dbname", "katal"),
        "USER": known.pop("user", ""),
        "PASSWORD": known.pop("password", ""),
        "HOST": known.pop("host", ""),
        "PORT": str(known.pop("port", "")),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(known),
    }


def broker(url: str) -> str:
    """Return a Redis address as Celery spells it: a socket is redis+socket:///path."""
    return "redis+socket://" + url.removeprefix("unix://") if url.startswith("unix://") else url


def cache(url: str) -> str:
    """Return a Redis address as redis-py spells it: a socket is unix:///path."""
    prefix = "redis+socket://"
    return "unix://" + url.removeprefix(prefix) if url.startswith(prefix) else url
