"""Derive from stored pull requests whether they were AI-assisted, and weekly metrics."""
