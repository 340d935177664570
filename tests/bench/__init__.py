"""Speed, measured: `make bench` prints a table. Ratios are taken within one run."""
