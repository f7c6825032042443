"""Runs and a reference for these tests alone."""

from made_runs import called_real, elsewhere

__all__ = ["called_real", "elsewhere"]
