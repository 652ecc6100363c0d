"""Clocks that step, leap and change their zone."""
