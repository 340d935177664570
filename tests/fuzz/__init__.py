"""Requests nobody would send, and what must be true whatever comes of them.

`python -m tests.fuzz 20000 7` sends the requests 7:0 … 7:19999 to a running SPF as one tenant,
while another has canaries in everything it owns; `python -m tests.fuzz 1 7:123` sends one alone.
"""
