"""What a run did with its time: evidence in, findings out. Pure, but for the readers of evidence."""
