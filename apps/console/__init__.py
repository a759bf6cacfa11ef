"""The console: what people run, read and open to see their syncs."""
