"""Rows for tests, one module a noun."""
