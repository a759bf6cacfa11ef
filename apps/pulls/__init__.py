"""Stored pull requests: models, rows, and the store that writes them."""
