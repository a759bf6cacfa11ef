"""Measure what telemetry costs and how fast a sync is: `python -m tests.benchmarks`.

These are figures, not assertions, so a slow machine gets a table too. Two sides are compared by measuring them in turns
(A, B, A, B, …) and taking the median of the turns' ratios, so that a busy moment affects both.
"""
