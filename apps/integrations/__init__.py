"""Syncing pull requests from GitHub: runs, attempts, lanes, and the clients that ask."""
