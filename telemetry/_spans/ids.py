"""Ids of our own provider: random, and those of a seed while the test kit asks for that."""

from __future__ import annotations

import random

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator


class SeededIds(RandomIdGenerator):
    """Ids that are the same in every run once `seed` was called; random until then, also in forked children."""

    def __init__(self) -> None:
        self._seeded: random.Random | None = None

    def seed(self, seed: int | None) -> None:
        """The ids that follow are those of ``seed``; None: random ones."""
        self._seeded = None if seed is None else random.Random(seed)  # noqa: S311  # ids, not secrets

    def generate_span_id(self) -> int:
        return super().generate_span_id() if self._seeded is None else self._seeded.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() if self._seeded is None else self._seeded.getrandbits(128) or 1


ids = SeededIds()
"""This process's."""
