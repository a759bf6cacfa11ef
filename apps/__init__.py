"""The applications of synctrace; each builds on those below it."""
