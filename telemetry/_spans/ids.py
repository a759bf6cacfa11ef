"""Ids of our own provider: from `OTEL_PYTHON_ID_GENERATOR`, or from a seed while the test kit asks for that."""

from __future__ import annotations

import random

from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator


class ProcessIds(IdGenerator):
    """Take ids from another generator, by default a random one, and the same ids in every run after `seed`."""

    def __init__(self) -> None:
        self._generator: IdGenerator = RandomIdGenerator()
        self._seeded: random.Random | None = None

    def use(self, generator: IdGenerator) -> None:
        """Take ids from `generator` from here on."""
        self._generator = generator

    def seed(self, seed: int | None) -> None:
        """Make the ids that follow from `seed`, or None for the generator's again."""
        self._seeded = None if seed is None else random.Random(seed)  # noqa: S311  # ids, not secrets

    def generate_span_id(self) -> int:
        """Return the id of a new span."""
        return self._generator.generate_span_id() if self._seeded is None else self._seeded.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        """Return the id of a new trace."""
        return self._generator.generate_trace_id() if self._seeded is None else self._seeded.getrandbits(128) or 1

    def is_trace_id_random(self) -> bool:
        """Return whether trace ids are random enough for others to sample by."""
        return self._seeded is not None or self._generator.is_trace_id_random()


ids = ProcessIds()
"""This process's ids."""
