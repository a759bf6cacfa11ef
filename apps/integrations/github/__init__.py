"""GitHub's APIs: what is asked and answered, as pure values and functions, and the transport that carries it."""
