"""Formats that go before those of a reader's language."""
