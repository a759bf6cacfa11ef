"""The GitHub accounts that teams connect, and the repositories that they track."""
