"""Plant small mistakes in the code, one at a time, and see whether a test fails: `make mutants`.

A mistake that no test notices is a survivor: it is killed by a test, or named in `equivalents.toml` with the reason why it
changes nothing. Nothing is changed in the checkout: mistakes are planted in copies of it.
"""
