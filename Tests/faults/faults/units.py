"""U: the units under a real service manager."""
