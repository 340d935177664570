"""The shapes of a new machine: quick create, and the steps of custom create."""
