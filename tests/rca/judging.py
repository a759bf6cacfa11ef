"""Hold what `explain` said against a scenario's label, and each step of its chain against what the run has left. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.integrations.errors import advice_for
from tests.rca.evidence import Evidence, Item
from tests.rca.proofs import proofs_of
from tests.rca.scenario import Label, Proof

_STATUS: Final = re.compile(r"(?:HTTP |\()([1-5]\d\d)\b")
_SECONDS: Final = re.compile(r"\b(\d+\.\d+) s\b")
_WORD: Final = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_LEAST_SECONDS: Final = 2.5
_MOST_WAIT_SECONDS: Final = 0.8
_MOST_WAIT_SHARE: Final = 0.04
_MOST_WAIT_SHARE_BESIDE_A_CAUSE: Final = 0.15
_ABOUT_WORKERS: Final = ("queue_busy", "no_worker", "broker_unavailable", "database_unavailable")
_NAME: Final = re.compile(r"\bsynthetic/[\w.-]+\w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong with an explanation, and with its chain; nothing in both is what all scenarios should come to.

    `is_sure` says that it named a cause, or called the run healthy, without marking that as an inference or as unknown.
    """

    wrong: tuple[str, ...] = ()
    ungrounded: tuple[str, ...] = ()
    is_sure: bool = True
    abstained: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether outcome, decisive code and repositories are those of the label."""
        return not self.wrong

    @property
    def is_grounded(self) -> bool:
        """Whether all that the chain names exists and says so, and proves the code."""
        return not self.ungrounded

    @property
    def is_surely_wrong(self) -> bool:
        """Whether it was wrong and did not say that it might be."""
        return bool(self.wrong) and self.is_sure and not self.abstained


def judge(label: Label, evidence: Evidence, answer: Mapping[str, Any]) -> Verdict:
    """Return the verdict on the explanation of the run that `evidence` is about."""
    causes: Sequence[Mapping[str, Any]] = answer["causes"]
    decisive = causes[0] if causes else None
    code = None if decisive is None else decisive["code"]
    return Verdict(
        wrong=tuple(_differences(label, evidence, answer["outcome"], decisive)),
        ungrounded=tuple(_gaps(label, evidence, causes)),
        is_sure=decisive is None or not decisive["inferred"],
        abstained=code == "unknown" and label.code != "unknown",
    )


def unproven(label: Label, evidence: Evidence) -> list[str]:
    """Return what the run, as it was really played, lacks of what the label claims: then the scenario itself is wrong."""
    problems = []
    if evidence.state != label.outcome:
        problems.append(f"the run is {evidence.state}, not {label.outcome}")
    if unknown := set(label.repositories) - set(evidence.of_run):
        problems.append(f"the run has no {', '.join(sorted(unknown))}")
    costs_time = label.code not in (None, "incomplete_at_github")
    if costs_time and label.outcome == "completed" and evidence.seconds < _LEAST_SECONDS:
        problems.append(f"it took less than {_LEAST_SECONDS:g} s: nothing has cost it two of them")
    if label.code is not None and (wanted := _proofs(label)) and not evidence.proves(wanted):
        problems.append(f"nothing that it left proves {label.code}")
    problems += [f"it left no {proof}" for proof in label.chain if not evidence.proves([proof])]
    return problems


def waited_for_worker(label: Label, evidence: Evidence) -> str:
    """Return how the machine has disturbed the scenario, which was too busy to give the run a worker in time; else nothing.

    Such a run took long for a reason that nobody injected. It is none where the label is about just that, nor where the run
    has failed, which it would have in any case.
    """
    if label.outcome != "completed" or label.code in _ABOUT_WORKERS:
        return ""
    waited = sum(map(_seconds_for_worker, evidence.archive.of(evidence.trace_id)))
    share = _MOST_WAIT_SHARE if label.code is None else _MOST_WAIT_SHARE_BESIDE_A_CAUSE
    if waited < _MOST_WAIT_SECONDS or waited < share * evidence.seconds:
        return ""
    return f"the machine was busy: the run, of {evidence.seconds:.1f} s, waited {waited:.1f} s for a worker"


def _seconds_for_worker(item: Item) -> float:
    if item.kind != "span":
        return 0.0
    if item.name == "sync.queue.wait" and item.has.get("sync.queue.reason") not in ("account", "limit"):
        return float(item.has["seconds"])
    return float(item.has.get("celery.queue.wait_ms", 0.0)) / 1000 if item.name.startswith("run/") else 0.0


def _proofs(label: Label) -> tuple[Proof, ...]:
    return label.chain or (() if label.code is None else proofs_of(label.code))


def _differences(label: Label, evidence: Evidence, outcome: str, decisive: Mapping[str, Any] | None) -> Iterator[str]:
    if outcome != label.outcome:
        yield f"outcome {outcome}, not {label.outcome}"
    if (code := None if decisive is None else decisive["code"]) != label.code:
        yield f"{code or 'healthy'}, not {label.code or 'healthy'}"
    elif decisive is not None:
        named, wanted = set(decisive["repositories"]), set(label.repositories)
        if named != wanted and not (label.whole_run and named in (set(), set(evidence.of_run))):
            yield f"names {', '.join(sorted(named)) or 'no repository'}, not {', '.join(sorted(wanted))}"


def _gaps(label: Label, evidence: Evidence, causes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for cause in causes:
        chain: Sequence[Mapping[str, Any]] = cause["chain"]
        if not chain and cause["code"] != "unknown":
            yield f"{cause['code']} has no chain"
        found = [(step, _items_of(step, evidence)) for step in chain]
        for step, items in found:
            if not items:
                yield f"there is no {_reference(step)}: {step['says']}"
            elif problem := _contradiction(str(step["says"]), items, evidence):
                yield f"{problem}: {step['says']}"
        if cause is causes[0] and cause["code"] == label.code:
            wanted = _proofs(label)
            if wanted and not any(item.proves(proof) for _, items in found for item in items for proof in wanted):
                yield f"nothing in its chain proves {cause['code']}"


def _items_of(step: Mapping[str, Any], evidence: Evidence) -> list[Item]:
    """Return what a step of the chain names: a span by its id; a line by what it has, its time or event; a row by number."""
    trace_id = step.get("trace_id") or None
    if (span_id := step.get("span_id")) is not None:
        return [each for each in evidence.archive.called("span", span_id) if trace_id in (None, each.trace_id)]
    if (line := step.get("line")) is not None:
        return [each for each in _lines(line, evidence, trace_id) if _is_line(each, line) and _fits(each.trace_id, trace_id)]
    if (row := step.get("row")) is not None:
        return [each for each in evidence.rows if _is_row(each, row)]
    return []


def _lines(line: object, evidence: Evidence, trace_id: str | None) -> list[Item]:
    """Return the lines among which the one that is named must be: those of its time, or of its trace."""
    time = _TIME.search(str(line.get("timestamp", "") if isinstance(line, Mapping) else line))
    if time is not None:
        return evidence.archive.called("line", time[0])
    return [each for each in evidence.archive.of(trace_id or evidence.trace_id) if each.kind == "line"]


def _fits(trace_id: str | None, wanted: str | None) -> bool:
    return wanted is None or trace_id in (None, wanted)


def _is_line(item: Item, line: object) -> bool:
    if isinstance(line, Mapping):
        return all(item.has.get(key) == value for key, value in line.items())
    text = str(line)
    return item.key in text or text == item.name


def _is_row(item: Item, row: object) -> bool:
    text = str(row.get("model", "")) + f" {row.get('id', row.get('pk', ''))}" if isinstance(row, Mapping) else str(row)
    words = [word for word in re.split(r"[^\w/.-]+", text) if word]
    model = item.name.lower()
    names_model = any(model in word.replace("_", "").replace(".", "").replace("-", "").lower() for word in words)
    return names_model and item.key in words


def _contradiction(says: str, items: Sequence[Item], evidence: Evidence) -> str:
    """Return how the words of a step go beyond what it names: a status, an error, a duration, a repository; else nothing."""
    for status in _STATUS.findall(says):
        if not any(item.mentions(status) for item in items):
            return f"it does not hold {status}"
    for word in _WORD.findall(says):
        if advice_for(word) is not None and not any(item.mentions(word) for item in items):
            return f"it does not say {word}"
    for seconds in _SECONDS.findall(says):
        if not any(item.holds(float(seconds)) or item.mentions(f"{seconds} s") for item in items):
            return f"it holds no {seconds} s"
    for name in _NAME.findall(says):
        numbers = [number for number, each in evidence.names.items() if each == name]
        if not any(_is_about(item, name, numbers) for item in items):
            return f"it is not about {name}"
    return ""


def _is_about(item: Item, name: str, numbers: Sequence[int]) -> bool:
    """Return whether the item is about the repository, or about a whole run."""
    number = item.has.get("repo_id", item.has.get("repository_id"))
    return number in numbers or item.mentions(name) or item.name in ("PipelineRun", "sync.pipeline")


def _reference(step: Mapping[str, Any]) -> str:
    return next((f"{kind} {step[kind]}" for kind in ("span_id", "line", "row") if step.get(kind) is not None), "reference")
