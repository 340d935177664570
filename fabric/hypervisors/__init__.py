"""Layer 1: drivers that make hosts keep guests. The contract is base.py; no Django below here."""
