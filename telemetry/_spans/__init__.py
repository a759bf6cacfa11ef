"""Spans: the provider, ids, and where our traces end."""
