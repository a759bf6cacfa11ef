"""Spans that outlive their process, in real processes: each once, whatever the process died of, and no work is harmed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from telemetry.reading import draw, read_spans
from tests.telemetry.test_journal import entries_in
from tests.telemetry.test_processes import SHOP, black_hole, environment, run

DIES = """
import os, signal
from opentelemetry import trace
with telemetry.span("shop.day", team_id=1):
    sell()
    {between}
    with trace.get_tracer("theirs").start_as_current_span("theirs"):
        os.kill(os.getpid(), signal.SIGKILL)
"""
LATER = "sell()"
DIED = """
shop.day died died
  shop.sale completed
  theirs died died
shop.sale completed"""


def dies(home: Path, *, before: str = "", between: str = "pass", **names: str) -> None:
    """A shop is killed in the middle of two spans."""
    program = [sys.executable, "-c", before + SHOP + DIES.format(between=between)]
    ran = subprocess.run(program, env=environment(home, **names), capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == -9, ran.stderr


@pytest.mark.slow
def test_the_next_process_ends_what_was_open(tmp_path: Path) -> None:
    """Each span once; the journal is gone."""
    dies(tmp_path)
    run(LATER, tmp_path)
    assert "\n" + draw(read_spans(tmp_path / "traces.jsonl")) == DIED
    assert list((tmp_path / "journal").iterdir()) == []


@pytest.mark.slow
def test_a_span_that_the_file_has_is_not_written_again(tmp_path: Path) -> None:
    """The process died between writing it there and saying so in its journal, which is as it was before."""
    journal = tmp_path / "journal"
    keep = "telemetry._spans.provider._process.journal.left = lambda *_: None; telemetry.flush()"
    dies(tmp_path, between=keep)
    assert [span.name for span in read_spans(tmp_path / "traces.jsonl")] == ["shop.sale"]
    copies = [(path, path.read_bytes()) for path in journal.iterdir()]
    for _ in range(2):  # the second finds the journal of one that died with everything in the file
        run(LATER, tmp_path)
        spans = read_spans(tmp_path / "traces.jsonl")
        assert len({span.span_id for span in spans}) == len(spans)
        assert sum(span.outcome == "died" for span in spans) == 2
        for path, content_before in copies:
            path.write_bytes(content_before)


@pytest.mark.parametrize(
    "names",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"TELEMETRY_HOME": ""},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_SAMPLER": "always_off"},
    ],
)
def test_where_no_spans_are_kept_there_is_no_journal(tmp_path: Path, names: dict[str, str]) -> None:
    """Disabled, no home, no exporter, not sampled."""
    dies(tmp_path, **names)
    assert not (tmp_path / "journal").exists()


def test_an_adopted_providers_spans_outlive_their_process_too(tmp_path: Path) -> None:
    """In our file, and by its own exporters."""
    adopt = (
        "import os; from opentelemetry import trace; from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor, ConsoleSpanExporter\n"
        "provider = TracerProvider(); trace.set_tracer_provider(provider)\n"
        f"out = open({str(tmp_path / 'theirs')!r}, 'a')\n"
        "provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=out, formatter=lambda s: s.name + ' ')))\n"
    )
    dies(tmp_path, before=adopt)
    run("telemetry.flush(); sell(); telemetry.flush()", tmp_path, before=adopt)
    assert "\n" + draw(read_spans(tmp_path / "traces.jsonl")) == DIED
    assert sorted((tmp_path / "theirs").read_text().split()) == ["shop.day", "shop.sale", "shop.sale", "theirs"]


WAIT = """
for count in (2, 4):  # a batch that is being sent, and a full queue
    for _ in range(count):
        sell()
    time.sleep(0.5)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
def test_whatever_may_wait_for_an_exporter_is_in_the_journal(tmp_path: Path) -> None:
    """The batch that a silent receiver was sent, and as many as the queue holds: each outlives its process."""
    with black_hole() as port:
        names = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_BSP_MAX_QUEUE_SIZE": "4",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",
        }
        subprocess.run([sys.executable, "-c", SHOP + WAIT], env=environment(tmp_path, **names), check=False, timeout=60)
    assert [entry.name for entry in entries_in(tmp_path / "journal")] == ["shop.sale"] * 6
    assert {name for entry in entries_in(tmp_path / "journal") for name in entry.left} <= {"file"}


FORKS = """
import os, time
with telemetry.span("shop.day"):
    child = os.fork()
    if child == 0:
        with telemetry.span("shop.child"):
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    telemetry.flush()
    found = [span.name for span in telemetry.reading.read_spans(os.environ["TELEMETRY_HOME"] + "/traces.jsonl")]
    assert found == ["shop.child"], found
os._exit(0 if telemetry.flush() else 1)
"""


def test_a_forked_childs_spans_are_its_own_and_its_parents_its_parents(tmp_path: Path) -> None:
    """A child that dies takes nothing of its parent with it, and does not keep its parent's journal locked."""
    run("import telemetry.reading\n" + FORKS, tmp_path)
    assert draw(read_spans(tmp_path / "traces.jsonl")) == "shop.day completed\n  shop.child died died"


@pytest.mark.slow
def test_a_child_that_lives_on_does_not_hide_its_parents_death(tmp_path: Path) -> None:
    """The parent's lock is not the child's."""
    dies(tmp_path, between="os.fork() or (time.sleep(20), os._exit(0))")
    run(LATER, tmp_path)
    assert "\n" + draw(read_spans(tmp_path / "traces.jsonl")) == DIED


@pytest.mark.parametrize("how", ["a file in its place", "no room", "taken away"])
def test_a_journal_that_cannot_be_written_breaks_nothing(tmp_path: Path, how: str) -> None:
    """The work goes on, its spans are exported, and the problem is said."""
    between = "pass"
    if how == "a file in its place":
        (tmp_path / "journal").write_text("")
    elif how == "no room":
        between = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))"
    else:
        between = "import shutil; sell(); shutil.rmtree(os.environ['TELEMETRY_HOME'] + '/journal')"
    printed = run(f"{between}\nfor _ in range(9): sell()\nprint('done')", tmp_path, TELEMETRY_LOG_FILE="/dev/null")
    assert "done" in printed.splitlines()
    said = [line for line in printed.splitlines() if "telemetry.problem" in line]
    assert len(said) == (0 if how == "taken away" else 1) or how == "no room"
    if how != "no room":
        assert sum(span.name == "shop.sale" for span in read_spans(tmp_path / "traces.jsonl")) >= 9


@pytest.mark.slow
def test_a_journal_that_was_taken_away_comes_back(tmp_path: Path) -> None:
    """With the next sign of life: a second later."""
    home = "os.environ['TELEMETRY_HOME'] + '/journal'"
    dies(tmp_path, between=f"import shutil; shutil.rmtree({home}); time.sleep(2.5)")
    run(LATER, tmp_path)
    assert "\n" + draw(read_spans(tmp_path / "traces.jsonl")) == DIED


@pytest.mark.slow
def test_the_end_is_the_last_sign_of_life(tmp_path: Path) -> None:
    """Which an idle process gives each second."""
    began = time.time_ns()
    dies(tmp_path, between="time.sleep(3)")
    died = time.time_ns()
    time.sleep(0.5)
    run(LATER, tmp_path)
    (day,) = [span for span in read_spans(tmp_path / "traces.jsonl") if span.name == "shop.day"]
    assert began < day.start_ns
    assert day.start_ns + 3e9 <= day.end_ns <= died


def test_nothing_secret_is_in_a_journal(tmp_path: Path) -> None:
    """Ours and the SDK's spans, from the start and midway; what is written is what leaves."""
    secret = "ghp_" + "a1B2" * 9
    code = (
        f"secret = {secret!r}\n"
        "tracer = __import__('opentelemetry').trace.get_tracer('t')\n"
        "with telemetry.span('shop.' + secret, note=secret) as one, tracer.start_as_current_span(secret, "
        "attributes={secret: 1, 'password': 'rye'}) as two:\n"
        "    one.set(late=[secret]); two.set_attribute('b', secret); two.add_event(secret, {'e': secret})\n"
        "    two.update_name(secret); two.set_status(__import__('opentelemetry').trace.StatusCode.ERROR, secret)\n"
        "    import pathlib\n"
        "    print(''.join(p.read_text() for p in pathlib.Path(os.environ['TELEMETRY_HOME'], 'journal').iterdir()))\n"
    )
    printed = run(code, tmp_path)
    assert printed.count('"trace"') == 2
    assert secret not in printed
    assert "rye" not in printed
