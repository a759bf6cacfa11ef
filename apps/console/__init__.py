"""The console: the commands and pages with which people run and see their syncs."""
