"""What commands print: presenters for terminals and pipes."""
