"""GitHub's APIs: requests and answers as pure values and functions, and the transport that carries them."""
