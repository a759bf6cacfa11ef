"""What a run is made of: its phases and the steps it dispatches, attempts and what follows when they fail, its root span."""
