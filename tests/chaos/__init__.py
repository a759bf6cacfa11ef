"""Kill, freeze and cut off every part of a running synctrace, and hold what is left against an undisturbed run.

`python -m tests.chaos`, or `make chaos`, does it on real servers and workers, and writes `docs/reliability.md` where asked.
"""
