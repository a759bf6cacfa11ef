"""What any app may need: a clock, context and lines, read-only admin pages, Jaeger's URLs."""
