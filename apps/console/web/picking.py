"""Track which of a connection's repositories are shown and chosen while somebody picks some. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from apps.repositories.models import Listed
from apps.repositories.names import InvalidRepositoryName, repository_name

MOST_SHOWN = 100
"""Nobody pages through ten thousand: they search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A repository to choose from; `tracked_with` is the account with which the team already tracks it, if any."""

    listed: Listed
    tracked_with: str = ""
    is_chosen: bool = False

    @property
    def key(self) -> str:
        """Its name, compared like GitHub does."""
        return self.listed.full_name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picking:
    """What `text` finds, what of that is shown, and what is chosen, including others, written as lines of text."""

    text: str
    shown: Sequence[Choice]
    found: int
    total: int
    others: Sequence[str]
    chosen: Sequence[str]
    """The names of all known chosen repositories, as GitHub writes them."""
    unknown: Sequence[str]
    """Names written by hand that are not in the list."""


class Choices:
    """Everything that can be chosen with a connection: what its token sees, and what its team tracks with it."""

    def __init__(self, listed: Iterable[Listed], *, tracked: Mapping[str, str], account: str, api_url: str) -> None:
        """Take the list, and the accounts with which the team tracks repositories, by repository name."""
        self._api_url = api_url
        with_it = {name.lower(): account_of for name, account_of in tracked.items()}
        known = {each.full_name.lower(): each for each in listed}
        for name, account_of in tracked.items():
            if account_of == account:
                known.setdefault(name.lower(), Listed(name))
        choices = [Choice(listed=each, tracked_with=with_it.get(key, "")) for key, each in known.items()]
        choices.sort(key=lambda choice: (choice.tracked_with != account, choice.key))
        self._all = {choice.key: choice for choice in choices}

    def picked(self, *, text: str = "", names: Iterable[str] = (), action: str = "") -> Picking:
        """Return what is found and chosen after an action: `all_shown`, `all_found`, `none` or any other."""
        found = self._found(text)
        chosen, unknown = self._sorted_out(names)
        match action:
            case "all_shown":
                chosen |= {choice.key: None for choice in found[:MOST_SHOWN]}
            case "all_found":
                chosen |= {choice.key: None for choice in found}
            case "none":
                chosen, unknown = {}, []
            case _:
                pass
        shown = [replace(choice, is_chosen=choice.key in chosen) for choice in found[:MOST_SHOWN]]
        keys = {choice.key for choice in shown}
        return Picking(
            text=text,
            shown=shown,
            found=len(found),
            total=len(self._all),
            others=[*(self._all[key].listed.full_name for key in chosen if key not in keys), *unknown],
            chosen=[self._all[key].listed.full_name for key in chosen],
            unknown=unknown,
        )

    def _found(self, text: str) -> list[Choice]:
        words = text.lower().split()
        return [choice for choice in self._all.values() if all(word in choice.key for word in words)]

    def _sorted_out(self, names: Iterable[str]) -> tuple[dict[str, None], list[str]]:
        """Return the keys of known names, and the others as written, each once."""
        chosen: dict[str, None] = {}
        unknown: dict[str, None] = {}
        for name in filter(None, map(str.strip, names)):
            key = name.lower()
            if key not in self._all:
                try:
                    key = repository_name(name, api_url=self._api_url).lower()
                except InvalidRepositoryName:  # starting reports it
                    key = ""
            if key in self._all:
                chosen[key] = None
            else:
                unknown[name] = None
        return chosen, list(unknown)
