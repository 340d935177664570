"""The job engine both planes use: row, lease, steps, sweep. It knows no nouns."""
