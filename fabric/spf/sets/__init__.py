"""The declarations of the sets that have something behind them, one noun a module."""
