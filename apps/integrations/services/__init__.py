"""What a sync does with GitHub: the clients of an attempt, and the attempt itself."""
