"""D: disks that fill, fail, lie; databases that break; memory mode."""
