"""R: processes that die, machines that lose power, versions that change."""
