"""A simulated GitHub, for tests, benchmarks and the demo."""
