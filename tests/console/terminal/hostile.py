"""Texts that would act on a terminal, or forge a line, if they were printed as they are."""

from __future__ import annotations

from hypothesis import strategies as st

ACTING = frozenset("\x00\x07\x08\x1b\r\n\x7f\x85\x9b\u200b\u2028\u202e\u2066\ufeff")

texts = st.lists(st.text(max_size=8) | st.sampled_from(sorted(ACTING)) | st.just("\x1b[2J"), max_size=8).map("".join)
"""Any text at all, with what acts more often than chance has it; lone surrogates, too."""

encodable_texts = texts.map(lambda text: text.encode("utf-8", "replace").decode())
"""Those of `texts` that a file or a database can hold."""


def acting(printed: str) -> set[str]:
    """Return what of a command's output would act, its own line ends aside."""
    return set(printed) & (ACTING - {"\n"})
