"""Management commands of the GitHub simulator."""
