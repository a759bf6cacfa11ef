"""Measure what telemetry costs and how fast a sync is: `python -m tests.benchmarks`.

Figures, never assertions: a slow machine gets a table too. What is compared is measured in turns (A, B, A, B, …) and told as
the median of the turns' ratios, so that a busy moment hits both sides.
"""
