from enum import Enum, EnumMeta
from typing import Any, ClassVar

class ChoicesType(EnumMeta):
    choices: ClassVar[list[tuple[Any, str]]]
    labels: ClassVar[list[str]]
    values: ClassVar[list[Any]]
    names: ClassVar[list[str]]

class TextChoices(str, Enum, metaclass=ChoicesType):  # type: ignore[misc]
    @property
    def value(self) -> str: ...
    @property
    def label(self) -> str: ...

class IntegerChoices(int, Enum, metaclass=ChoicesType):  # type: ignore[misc]
    @property
    def value(self) -> int: ...
    @property
    def label(self) -> str: ...
