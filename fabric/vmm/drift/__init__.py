"""Drift: our rows against what the hosts say. Found here, decided in actions/drift.py."""

from fabric.vmm.drift.sweep import sweep

__all__ = ["sweep"]
