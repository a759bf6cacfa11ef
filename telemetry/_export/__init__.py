"""What takes spans, lines and metrics out of the process."""
