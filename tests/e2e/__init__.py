"""The road of issue and product as people walk it: real processes, a real browser."""
