"""The parts of `Benchmarks/run`, each module some of its letters."""
