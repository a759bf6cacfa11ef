"""What commands print: presenters for a terminal, and for whatever reads a pipe."""
