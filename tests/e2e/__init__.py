"""The whole road as people walk it: real processes, a real browser."""
