"""Keep the projection fresh: the far side's inventory, machines and load become our rows."""
