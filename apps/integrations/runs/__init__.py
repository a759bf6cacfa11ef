"""The parts of a run: its phases and steps, its attempts and what follows their failure, its root span."""
