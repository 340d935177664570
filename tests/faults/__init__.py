"""A deployment survives anything: real processes, killed, cut off, overtaken, robbed of messages.

`python -m tests.faults` runs these tests and writes what came of each fault to docs/faults.md.
"""
