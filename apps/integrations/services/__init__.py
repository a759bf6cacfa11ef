"""Clients of GitHub, and the sync of one repository."""
