"""What the person at the terminal reads: every line with the name of who said it."""

from __future__ import annotations

import os
import sys
import threading
from typing import IO, TextIO

COLOURS = (36, 32, 35, 33, 34, 96, 92, 95)
NAME_WIDTH = 8


class Console:
    """Prints whole lines from many threads; coloured only for a person's terminal."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self.coloured = self.out.isatty() and "NO_COLOR" not in os.environ
        self.names: dict[str, int] = {}
        self.lock = threading.Lock()

    def say(self, text: str, name: str = "katal") -> None:
        """Print text, line by line, behind a name."""
        with self.lock:
            colour = self.names.setdefault(name, COLOURS[len(self.names) % len(COLOURS)])
            for line in text.splitlines() or [""]:
                self.write(f"{self.paint(f'{name:<{NAME_WIDTH}} |', colour)} {line}\n")

    def plain(self, text: str) -> None:
        """Print text as it is."""
        with self.lock:
            self.write(f"{text}\n")

    def paint(self, text: str, colour: int) -> str:
        """Return text in a colour, where colours are shown."""
        return f"\033[{colour}m{text}\033[0m" if self.coloured else text

    def write(self, text: str) -> None:
        """Write, forgiving a terminal that went away."""
        try:
            self.out.write(text)
            self.out.flush()
        except (OSError, ValueError):
            pass

    def follow(self, pipe: IO[bytes], name: str) -> threading.Thread:
        """Print what comes through a pipe until its last writer ends."""

        def copy() -> None:
            with pipe:
                for line in pipe:
                    self.say(line.decode(errors="replace").rstrip(), name)

        thread = threading.Thread(target=copy, name=f"output of {name}", daemon=True)
        thread.start()
        return thread
