"""What an endpoint answers, before it becomes HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """`data` may be a function that makes it once it is needed.

    `columns` are what the ETag is made of. `secrets` names members of `data` that are never kept.
    `job` is the id of the work it tells of. `then` is called once the act is committed, for what
    cannot be undone; it may add to the data.
    """

    data: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    columns: Any = None
    secrets: tuple[str, ...] = ()
    job: Any = None
    then: Callable[[Any], None] | None = None

    def made(self) -> Any:
        """Return the data."""
        if callable(self.data):
            self.data = self.data()
        return self.data


def shown(data: Any) -> Answer:
    """Return the answer to being asked for something whose ETag is made of all it tells."""
    return Answer(data, columns=data)


def gone() -> Answer:
    """Return the answer to something done of which there is nothing to tell."""
    return Answer(None, 204)
