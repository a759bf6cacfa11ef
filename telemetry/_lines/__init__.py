"""Lines: bound context, sinks, structlog and the standard library on one path."""
