"""Explain what a run did with its time: evidence in, findings out. Pure, except for the readers of evidence."""
