"""Django management package of the GitHub simulator."""
