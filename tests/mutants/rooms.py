"""The core modules that mistakes are planted in, and the tests that are to notice them."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_OUTLETS = ["tests/telemetry/test_ledger.py", "tests/telemetry/test_outlets.py", "tests/telemetry/test_spool.py"]
ROOMS = {  # the longest beginning of a module's path counts
    "apps/analysis": ["tests/analysis"],
    "apps/pulls": ["tests/pulls", "tests/integrations/services/test_windows.py"],
    "apps/integrations/errors": ["tests/integrations/test_errors.py", "tests/integrations/github"],
    "apps/integrations/github": [
        "tests/integrations/github",
        "tests/integrations/services/test_github_graphql.py",
        "tests/integrations/services/test_github_graphql_lists.py",
    ],
    "apps/integrations/github/app.py": ["tests/integrations/github/test_app.py"],
    "apps/integrations/github/classify.py": [
        "tests/integrations/github/test_answers.py",
        "tests/integrations/github/test_classify.py",
    ],
    "apps/integrations/github/deadline.py": [
        "tests/integrations/github/test_connecting.py",
        "tests/integrations/github/test_deadline.py",
        "tests/integrations/github/test_transport.py",
    ],
    "apps/integrations/github/limits.py": [
        "tests/integrations/github/test_limits.py",
        "tests/integrations/lane/test_limits.py",
    ],
    "apps/integrations/lane/limits.py": ["tests/integrations/lane/test_limits.py"],
    "apps/integrations/lane": ["tests/integrations/lane"],
    "apps/integrations/runs/failures.py": ["tests/integrations/runs/test_failures.py"],
    "apps/integrations/runs": ["tests/integrations/runs", "tests/integrations/test_onboarding_pipeline.py"],
    "apps/integrations/services": ["tests/integrations/services"],
    "apps/integrations/services/clients.py": [
        "tests/integrations/services/test_clients.py",
        "tests/integrations/services/test_sync_attempt.py",
        "tests/integrations/test_github_app.py",
    ],
    "apps/integrations/services/github_app.py": ["tests/integrations/services/test_github_app.py"],
    "apps/integrations/onboarding_pipeline.py": [
        "tests/integrations/test_onboarding_pipeline.py",
        "tests/integrations/runs",
    ],
    "apps/integrations/tasks.py": [
        "tests/integrations/test_sending.py",
        "tests/integrations/test_task_ends.py",
        "tests/integrations/test_tasks.py",
    ],
    "telemetry": ["tests/telemetry"],
    "telemetry/_boundary": [
        "tests/telemetry/test_boundary.py",
        "tests/telemetry/test_metrics_boundary.py",
        "tests/telemetry/test_odd_values.py",
        "tests/telemetry/test_redacting.py",
        "tests/telemetry/test_sizes.py",
        "tests/telemetry/test_tracebacks.py",
        "tests/telemetry/test_visible.py",
    ],
    "telemetry/_celery": [
        "tests/telemetry/test_attempts.py",
        "tests/telemetry/test_celery.py",
        "tests/telemetry/test_deaths.py",
        "tests/telemetry/test_dying.py",
        "tests/telemetry/test_messages.py",
    ],
    "telemetry/_django": ["tests/telemetry/test_request_spans.py", "tests/telemetry/test_web.py"],
    "telemetry/_lines": [
        "tests/telemetry/test_health.py",
        "tests/telemetry/test_levels.py",
        "tests/telemetry/test_lifecycle.py",
        "tests/telemetry/test_lines.py",
        "tests/telemetry/test_odd_values.py",
        "tests/telemetry/test_outputs.py",
        "tests/telemetry/test_redacting.py",
        "tests/telemetry/test_tracebacks.py",
        "tests/telemetry/test_timestamps.py",
    ],
    "telemetry/_lines/account_lines.py": ["tests/telemetry/test_account_lines.py", "tests/telemetry/test_processes.py"],
    "telemetry/_lines/loggers.py": ["tests/telemetry/test_odd_values.py"],
    "telemetry/_lines/raises.py": ["tests/telemetry/test_lines.py", "tests/telemetry/test_tracebacks.py"],
    "telemetry/_lines/sinks.py": [
        "tests/telemetry/test_lines.py",
        "tests/telemetry/test_tracebacks.py",
        "tests/telemetry/test_visible.py",
    ],
    "telemetry/_lines/standard.py": [
        "tests/telemetry/test_lines.py",
        "tests/telemetry/test_odd_values.py",
        "tests/telemetry/test_standard_loggers.py",
        "tests/telemetry/test_tracebacks.py",
    ],
    "telemetry/_settings": ["tests/telemetry/test_settings.py", "tests/telemetry/test_otlp_settings.py"],
    "telemetry/_deaths.py": ["tests/telemetry/test_dying.py", "tests/telemetry/test_outcomes.py"],
    "telemetry/_declaring.py": [
        "tests/telemetry/test_catalog_checks.py",
        "tests/telemetry/test_handle.py",
        "tests/telemetry/test_instruments.py",
        "tests/telemetry/test_lifecycle.py",
        "tests/telemetry/test_one_declaration.py",
        "tests/telemetry/test_weaver.py",
    ],
    "telemetry/_decoding.py": ["tests/telemetry/test_following.py", "tests/telemetry/test_reading.py"],
    "telemetry/_following.py": ["tests/telemetry/test_following.py"],
    "telemetry/_health.py": ["tests/telemetry/test_health.py", "tests/telemetry/test_lifecycle.py"],
    "telemetry/_jaeger.py": ["tests/telemetry/test_reading.py"],
    "telemetry/_journals.py": [
        "tests/telemetry/test_following.py",
        "tests/telemetry/test_journal.py",
        "tests/telemetry/test_obituaries.py",
        "tests/telemetry/test_open_spans.py",
        "tests/telemetry/test_outliving.py",
        "tests/telemetry/test_wills.py",
    ],
    "telemetry/_lazy.py": ["tests/telemetry/test_upstream.py"],
    "telemetry/_measuring.py": [
        "tests/telemetry/test_instruments.py",
        "tests/telemetry/test_kit.py",
        "tests/telemetry/test_one_declaration.py",
    ],
    "telemetry/_moments.py": [
        "tests/telemetry/test_lifecycle.py",
        "tests/telemetry/test_moments.py",
        "tests/telemetry/test_odd_values.py",
        "tests/telemetry/test_past.py",
    ],
    "telemetry/_outcomes.py": [
        "tests/telemetry/test_dying.py",
        "tests/telemetry/test_lifecycle.py",
        "tests/telemetry/test_outcomes.py",
    ],
    "telemetry/_searching.py": ["tests/telemetry/test_reading.py"],
    "telemetry/_suggestion.py": ["tests/telemetry/test_catalog_checks.py", "tests/telemetry/test_kit.py"],
    "telemetry/_trees.py": [
        "tests/telemetry/test_kit.py",
        "tests/telemetry/test_open_spans.py",
        "tests/telemetry/test_reading.py",
    ],
    "telemetry/_wanted.py": ["tests/telemetry/test_reading.py"],
    "telemetry/_weaver.py": ["tests/telemetry/test_one_declaration.py", "tests/telemetry/test_weaver.py"],
    "telemetry/catalog.py": [
        "tests/telemetry/test_catalog_checks.py",
        "tests/telemetry/test_one_declaration.py",
        "tests/telemetry/test_weaver.py",
    ],
    "telemetry/celery.py": [
        "tests/telemetry/test_attempts.py",
        "tests/telemetry/test_celery_signals.py",
        "tests/telemetry/test_outcomes.py",
    ],
    "telemetry/django.py": [
        "tests/telemetry/test_adoption.py",
        "tests/telemetry/test_processes.py",
        "tests/telemetry/test_request_spans.py",
        "tests/telemetry/test_web.py",
    ],
    "telemetry/instruments.py": ["tests/telemetry/test_instruments.py", "tests/telemetry/test_one_declaration.py"],
    "telemetry/ledger.py": ["tests/telemetry/test_ledger.py", "tests/telemetry/test_wills.py"],
    "telemetry/model.py": [
        "tests/telemetry/test_catalog_checks.py",
        "tests/telemetry/test_handle.py",
        "tests/telemetry/test_instruments.py",
        "tests/telemetry/test_lifecycle.py",
        "tests/telemetry/test_model.py",
        "tests/telemetry/test_one_declaration.py",
        "tests/telemetry/test_settings.py",
    ],
    "telemetry/pytest_plugin.py": ["tests/telemetry/test_kit.py"],
    "telemetry/reading.py": [
        "tests/telemetry/test_following.py",
        "tests/telemetry/test_kit.py",
        "tests/telemetry/test_open_spans.py",
        "tests/telemetry/test_reading.py",
    ],
    "telemetry/requests.py": ["tests/telemetry/test_calls.py", "tests/telemetry/test_processes.py"],
    "telemetry/settings.py": ["tests/telemetry/test_settings.py"],
    "telemetry/testing.py": ["tests/telemetry/test_kit.py", "tests/telemetry/test_lifecycle.py"],
    "telemetry/timestamps.py": ["tests/telemetry/test_timestamps.py"],
    "telemetry/wills.py": ["tests/telemetry/test_wills.py"],
    "telemetry/_export": [
        "tests/telemetry/test_accounts.py",
        "tests/telemetry/test_backing_off.py",
        "tests/telemetry/test_deaths.py",
        "tests/telemetry/test_instruments.py",
        "tests/telemetry/test_journal.py",
        "tests/telemetry/test_killed_counting.py",
        "tests/telemetry/test_ledger.py",
        "tests/telemetry/test_lines.py",
        "tests/telemetry/test_obituaries.py",
        "tests/telemetry/test_open_spans.py",
        "tests/telemetry/test_otlp.py",
        "tests/telemetry/test_otlp_json.py",
        "tests/telemetry/test_outlets.py",
        "tests/telemetry/test_outliving.py",
        "tests/telemetry/test_outputs.py",
        "tests/telemetry/test_pools.py",
        "tests/telemetry/test_processes.py",
        "tests/telemetry/test_reading.py",
        "tests/telemetry/test_redacting.py",
        "tests/telemetry/test_sending.py",
        "tests/telemetry/test_shelf.py",
        "tests/telemetry/test_spool.py",
        "tests/telemetry/test_standard_names.py",
        "tests/telemetry/test_telling.py",
        "tests/telemetry/test_wills.py",
    ],
    "telemetry/_export/accounts.py": ["tests/telemetry/test_accounts.py", "tests/telemetry/test_ledger.py"],
    "telemetry/_export/batching.py": [
        "tests/telemetry/test_accounts.py",
        "tests/telemetry/test_ledger.py",
        "tests/telemetry/test_wills.py",
    ],
    "telemetry/_export/counts.py": ["tests/telemetry/test_sending.py"],
    "telemetry/_export/exporters.py": [
        "tests/telemetry/test_accounts.py",
        "tests/telemetry/test_adoption.py",
        "tests/telemetry/test_processes.py",
    ],
    "telemetry/_export/heirs.py": ["tests/telemetry/test_accounts.py"],
    "telemetry/_export/home_ledger.py": [
        "tests/telemetry/test_accounts.py",
        "tests/telemetry/test_killed_counting.py",
        "tests/telemetry/test_ledger.py",
    ],
    "telemetry/_export/journal.py": ["tests/telemetry/test_journal.py", "tests/telemetry/test_outliving.py"],
    "telemetry/_export/line_files.py": ["tests/telemetry/test_lines.py", "tests/telemetry/test_pages.py"],
    "telemetry/_export/listening.py": ["tests/telemetry/test_telling.py"],
    "telemetry/_export/marks.py": ["tests/telemetry/test_sending.py"],
    "telemetry/_export/meters.py": ["tests/telemetry/test_instruments.py", "tests/telemetry/test_own_metrics.py"],
    "telemetry/_export/obituaries.py": [
        "tests/telemetry/test_deaths.py",
        "tests/telemetry/test_obituaries.py",
        "tests/telemetry/test_outliving.py",
    ],
    "telemetry/_export/backing_off.py": ["tests/telemetry/test_backing_off.py"],
    "telemetry/_export/outlets.py": _OUTLETS,
    "telemetry/_export/counting.py": _OUTLETS,
    "telemetry/_export/shelf.py": ["tests/telemetry/test_shelf.py", *_OUTLETS],
    "telemetry/_export/turns.py": ["tests/telemetry/test_turns.py", *_OUTLETS],
    "telemetry/_export/waiting.py": ["tests/telemetry/test_waiting.py", *_OUTLETS],
    "telemetry/_export/otlp_json.py": ["tests/telemetry/test_otlp_json.py"],
    "telemetry/_export/otlp_json_spans.py": ["tests/telemetry/test_otlp_json.py"],
    "telemetry/_export/own_metrics.py": ["tests/telemetry/test_own_metrics.py"],
    "telemetry/_export/pages.py": ["tests/telemetry/test_accounts.py", "tests/telemetry/test_pages.py"],
    "telemetry/_export/redacting.py": ["tests/telemetry/test_redacting.py", "tests/telemetry/test_sizes.py"],
    "telemetry/_export/remains.py": ["tests/telemetry/test_remains.py"],
    "telemetry/_export/sending.py": ["tests/telemetry/test_sending.py"],
    "telemetry/_export/span_files.py": ["tests/telemetry/test_span_files.py"],
    "telemetry/_export/spool.py": ["tests/telemetry/test_spool.py", "tests/telemetry/test_spool_files.py"],
    "telemetry/_export/steps.py": ["tests/telemetry/test_telling.py"],
    "telemetry/_export/watching.py": ["tests/telemetry/test_outliving.py", "tests/telemetry/test_watching.py"],
    "telemetry/_export/witnesses.py": ["tests/telemetry/test_witnesses.py"],
    "telemetry/_spans": [
        "tests/telemetry/test_adoption.py",
        "tests/telemetry/test_attempts.py",
        "tests/telemetry/test_emitter.py",
        "tests/telemetry/test_handle.py",
        "tests/telemetry/test_late_provider.py",
        "tests/telemetry/test_levels.py",
        "tests/telemetry/test_library_spans.py",
        "tests/telemetry/test_lifecycle.py",
        "tests/telemetry/test_otlp.py",
        "tests/telemetry/test_outliving.py",
        "tests/telemetry/test_processes.py",
        "tests/telemetry/test_propagation.py",
        "tests/telemetry/test_redacting.py",
        "tests/telemetry/test_request_spans.py",
        "tests/telemetry/test_roots.py",
        "tests/telemetry/test_sizes.py",
        "tests/telemetry/test_span_parts.py",
        "tests/telemetry/test_upstream.py",
        "tests/telemetry/test_wills.py",
    ],
    "telemetry/_spans/provider.py": [
        "tests/telemetry/test_adoption.py",
        "tests/telemetry/test_instruments.py",
        "tests/telemetry/test_outliving.py",
        "tests/telemetry/test_processes.py",
        "tests/telemetry/test_watching.py",
        "tests/telemetry/test_wills.py",
    ],
    "telemetry/_spans/emitter.py": [
        "tests/telemetry/test_emitter.py",
        "tests/telemetry/test_open_spans.py",
        "tests/telemetry/test_roots.py",
    ],
    "telemetry/_spans/source.py": ["tests/telemetry/test_emitter.py"],
    "telemetry/_shapes": ["tests/telemetry/test_redaction.py"],
    "telemetry/redaction.py": ["tests/telemetry/test_redaction.py", "tests/telemetry/test_redacting.py"],
    "telemetry/lifecycle.py": [
        "tests/telemetry/test_adoption.py",
        "tests/telemetry/test_emitter.py",
        "tests/telemetry/test_handle.py",
        "tests/telemetry/test_instruments.py",
        "tests/telemetry/test_kit.py",
        "tests/telemetry/test_lifecycle.py",
        "tests/telemetry/test_odd_values.py",
        "tests/telemetry/test_past.py",
        "tests/telemetry/test_roots.py",
    ],
    "telemetry/roots.py": ["tests/telemetry/test_past.py", "tests/telemetry/test_roots.py"],
}
_NO_CORE = ("admin.py", "apps.py", "__init__.py", "models.py")


def core_modules() -> list[str]:
    """Return the paths of all core modules, pure and small ones first."""
    found = [
        path.relative_to(CHECKOUT).as_posix()
        for room in ROOMS
        for path in (sorted((CHECKOUT / room).rglob("*.py")) if (CHECKOUT / room).is_dir() else [CHECKOUT / room])
        if path.name not in _NO_CORE and "migrations" not in path.parts
    ]
    return list(dict.fromkeys(found))


def room_of(module: str) -> list[str]:
    """Return the paths of the tests of a module's room."""
    room = max((room for room in ROOMS if module == room or module.startswith(f"{room}/")), key=len, default=None)
    if room is None:
        raise ValueError(f"{module} belongs to no room of tests/mutants/rooms.py")
    return ROOMS[room]


def files_with_tests(module: str, *, checkout: Path = CHECKOUT) -> list[str]:
    """Return the paths of the files with the tests of a module's room in a checkout."""
    found: list[str] = []
    for name in room_of(module):
        path = checkout / name
        files = sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
        found += [each.relative_to(checkout).as_posix() for each in files]
    return list(dict.fromkeys(found))
