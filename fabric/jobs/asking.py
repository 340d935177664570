"""What jobs and clocks ask for in a person's name.

Actions stand above jobs, so the application hands them in when it is ready (fabric/apps.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_acts: dict[str, Callable[..., Any]] = {}


def hand_in(**acts: Callable[..., Any]) -> None:
    """Make actions known by these names."""
    _acts.update(acts)


def act(name: str) -> Callable[..., Any]:
    """Return an action that was handed in."""
    return _acts[name]
