"""What this process heard of changes: for each id, the transaction that changed it last.

A thread of its own listens to the database. Before it listens, and while it cannot, nothing is
known, and everything counts as changed every few seconds: pages then ask as often as they always
could.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from django.conf import settings
from django.db import connection

log = logging.getLogger(__name__)

CHANNEL = "katal_live"
MOST_KEPT = 50_000
BLIND_SECONDS = 3.0
SKEW_SECONDS = 5.0
AGAIN_SECONDS = 2.0
WAKE_SECONDS = 30.0


@dataclass(frozen=True)
class Mark:
    """What a page knows: since when, and the last change of each of its ids by then."""

    at: float
    seen: tuple[str, ...]

    def as_text(self) -> str:
        return " ".join((f"{self.at:.3f}", *self.seen))

    @classmethod
    def from_text(cls, text: str, count: int) -> Mark | None:
        """Return the mark a page sends back, None for what is none of ours."""
        at, *seen = text.split(" ")
        try:
            since = float(at)
        except ValueError:
            return None
        return cls(since, tuple(seen)) if len(seen) == count else None


class Marks:
    """The changes heard of. One instance serves a process; its thread starts with the first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, tuple[str, float]] = {}
        self._since: float | None = None
        self._thread: threading.Thread | None = None

    def hear(self, payload: str) -> None:
        """Note what a notification says."""
        transaction, *ids = payload.split(" ")
        with self._lock:
            for id in ids:
                self._last.pop(id, None)
                self._last[id] = (transaction, time.time())
            while len(self._last) > MOST_KEPT:
                # What was not heard of for longest; whoever knew it by then is told it changed.
                _transaction, self._since = self._last.pop(next(iter(self._last)))

    def began(self, at: float | None) -> None:
        """Forget everything: from now on (None: not at all) what changes is heard."""
        with self._lock:
            self._last.clear()
            self._since = at

    def mark(self, ids: Sequence[str], began: float) -> Mark:
        """Return what a page knows whose request began then.

        What came since counts as not known: the page may have been drawn without it.
        """
        with self._lock:
            found = (self._last.get(id) for id in ids)
            seen = tuple("0" if last is None or last[1] >= began else last[0] for last in found)
        return Mark(began, seen)

    def has_news(self, ids: Sequence[str], known: Mark) -> bool:
        """Tell whether anything of these changed since."""
        with self._lock:
            if self._since is None:
                return time.time() - known.at >= BLIND_SECONDS
            if known.at < self._since:
                return True
            for id, seen in zip(ids, known.seen, strict=True):
                last = self._last.get(id)
                if last is None or last[0] == seen:
                    continue
                # A page that knows of no change may be younger than this one; another machine's
                # clock may have dated it.
                if seen != "0" or last[1] >= known.at - SKEW_SECONDS:
                    return True
            return False

    def listen(self) -> None:
        """Have a thread listen, if none does."""
        if not settings.LIVE_LISTEN:
            return
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._thread = threading.Thread(target=self._listen, name="live", daemon=True)
            self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                self._follow()
            except psycopg.Error as error:
                log.warning("cannot hear of changes, trying again: %s", type(error).__name__)
            self.began(None)
            time.sleep(AGAIN_SECONDS)

    def _follow(self) -> None:
        wanted = connection.get_connection_params() | {
            "application_name": "katal live",
            # A network that swallows everything would be waited for, for a quarter of an hour.
            "tcp_user_timeout": int(WAKE_SECONDS * 1000),
        }
        with psycopg.connect(**wanted, autocommit=True) as heard:
            heard.execute(f"LISTEN {CHANNEL}")
            self.began(time.time())
            while True:
                for notify in heard.notifies(timeout=WAKE_SECONDS):
                    self.hear(notify.payload)
                # A server that is gone without a word would never be missed.
                heard.execute("SELECT 1")


marks = Marks()
