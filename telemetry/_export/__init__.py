"""Take spans, lines and metrics out of the process."""
