"""The applications of synctrace, each above those that it stands on."""
