"""Where machines and disks go, and what they hold there. Call all of it in a transaction.

Choosing is in choose.py (pure: limits.py, rating.py), counting in room.py and moves.py, what
hosts inherit in inheritance.py. Locks: machine, then affinity set, then hosts by id.
"""

from fabric.vmm.placement.choose import place, rate
from fabric.vmm.placement.moves import (
    give_back,
    give_back_disk,
    move_disk,
    reserve_best,
    reserve_on,
    settle_disk,
    settle_move,
)
from fabric.vmm.placement.rating import Rating
from fabric.vmm.placement.room import grow_disk, release, release_disk, resize, take_disk

__all__ = [
    "Rating",
    "give_back",
    "give_back_disk",
    "grow_disk",
    "move_disk",
    "place",
    "rate",
    "release",
    "release_disk",
    "reserve_best",
    "reserve_on",
    "resize",
    "settle_disk",
    "settle_move",
    "take_disk",
]
