"""Django as the type checker sees it: unknown, save the enumerations our states are made of."""

from typing import Any

def __getattr__(name: str) -> Any: ...
