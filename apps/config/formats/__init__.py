"""Formats that override those of a reader's language."""
