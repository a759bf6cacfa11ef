"""A sync's work with GitHub: the clients of an attempt, and the attempt itself."""
