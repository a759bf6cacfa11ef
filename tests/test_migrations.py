"""A database made by an earlier version keeps its rows, and the models have no change that a migration lacks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from apps.analysis.models import Analysis
from apps.integrations.models import PipelineRun, RepoSync
from apps.pulls.models import PullRequest
from apps.repositories.models import GitHubConnection, TrackedRepository
from apps.repositories.secrets import encrypt, fingerprint
from apps.teams.models import Team

BEFORE_REPOSITORIES = [
    ("integrations", "0002_told_at"),
    ("pulls", "0001_initial"),
    ("analysis", "0001_initial"),
    ("repositories", None),
]
"""The last migrations of the version in which `integrations` and `pulls` held all tables."""
MOVED = {
    "integrations_githubconnection": "repositories_githubconnection",
    "integrations_trackedrepository": "repositories_trackedrepository",
    "pulls_weeklymetrics": "analysis_weeklymetrics",
}
"""Tables that have moved to another app since."""
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "migrated"
TOKEN = "ghp_" + "t" * 36


@pytest.fixture
def database(django_db_setup: None, transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """A database of its own, empty and without tables, which Django knows as `migrated`."""
    name = f"{connection.settings_dict['NAME']}_{NAME}"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    database = connection.copy(NAME)
    database.settings_dict["NAME"] = name
    connections[NAME] = database
    try:
        yield database
    finally:
        database.close()
        del connections[NAME]
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _migrate(database: BaseDatabaseWrapper, targets: list[tuple[str, str | None]]) -> Any:
    """Migrate to `targets`, as `manage.py migrate` does, and return the models as they are then."""
    executor = MigrationExecutor(database)
    executor.migrate(targets)
    return executor.loader.project_state([node for node in targets if node[1]]).apps  # type: ignore[misc]  # without None


def _latest(database: BaseDatabaseWrapper) -> list[tuple[str, str | None]]:
    return list(MigrationExecutor(database).loader.graph.leaf_nodes())


def _rows(database: BaseDatabaseWrapper, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table} ORDER BY id")  # noqa: S608  # a table of this test
        return list(cursor.fetchall())


def _create_rows(apps: Any) -> None:
    """One row in each table that is to move, and in each that refers to one."""
    now = timezone.now()

    def create(label: str, model: str, **fields: Any) -> Any:
        return apps.get_model(label, model).objects.using(NAME).create(**fields)

    team = create("teams", "Team", slug="blue", name="Blue")
    account = create(
        "integrations", "GitHubConnection", team=team, account="api.github.com/ada", encrypted_token=encrypt(TOKEN)
    )
    tracked = create("integrations", "TrackedRepository", team=team, connection=account, full_name="a/b", covered_to=now)
    create("pulls", "WeeklyMetrics", team=team, week=now.date(), merged=1, size=3.5)
    pull_request = create(
        "pulls",
        "PullRequest",
        repository=tracked,
        github_id=1,
        number=7,
        is_draft=False,
        created_at=now,
        updated_at=now,
        additions=0,
        deletions=0,
        changed_files=0,
        reviews_total=0,
        commits_total=0,
    )
    create("analysis", "Analysis", pull_request=pull_request, is_ai_assisted=False, tools=[], of_update=now)
    run, _ = (
        create(
            "integrations",
            "PipelineRun",
            team=team,
            kind=kind,
            phase="syncing",
            task_id="t1",
            traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
            started_ns=1,
            started_at=now,
            told_at=MOMENT,
            ended_at=MOMENT,
        )
        for kind in ("phase1", "phase2")
    )
    create("integrations", "RepoSync", run=run, repository=tracked, due_at=now, outcome="synced")


@pytest.mark.django_db
def test_the_models_are_as_the_migrations_make_them() -> None:
    """`makemigrations` finds nothing to do."""
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_rows_stay_when_their_tables_move(database: BaseDatabaseWrapper) -> None:
    """Each row is the same in its table's new place, whoever refers to it still does, and a token can be read."""
    _create_rows(_migrate(database, BEFORE_REPOSITORIES))
    before = {old: _rows(database, old) for old in MOVED}
    call_command("migrate", database=NAME, verbosity=0)
    widths = {old: len(rows[0]) for old, rows in before.items()}  # columns that are added later stand behind
    now = {old: [row[: widths[old]] for row in _rows(database, new)] for old, new in MOVED.items()}
    assert now == before
    assert all(before.values())
    (pull_request,) = PullRequest.objects.using(NAME).select_related("repository__connection")
    assert pull_request.repository.full_name == "a/b"
    assert Analysis.objects.using(NAME).get(pull_request=pull_request).of_update == pull_request.updated_at
    assert pull_request.repository.connection.token() == TOKEN
    assert pull_request.repository.connection.token_fingerprint == fingerprint(TOKEN)
    assert pull_request.repository.repo_syncs.get().repository_id == pull_request.repository.pk


def test_runs_and_syncs_stay_when_their_words_change(database: BaseDatabaseWrapper) -> None:
    """A phase 1 run is a recent run, a phase 2 run a backfill; what came of a repository is its disposition."""
    _create_rows(_migrate(database, BEFORE_REPOSITORIES))
    call_command("migrate", database=NAME, verbosity=0)
    recent, backfill = PipelineRun.objects.using(NAME).order_by("pk")
    assert (recent.kind, recent.logged_at, backfill.kind) == (PipelineRun.Kind.RECENT, MOMENT, PipelineRun.Kind.BACKFILL)
    assert recent.export_due_at == MOMENT  # nobody had exported it: the sweep does
    assert RepoSync.objects.using(NAME).get().disposition == RepoSync.Disposition.SYNCED
    _migrate(database, BEFORE_REPOSITORIES)
    assert [row[0] for row in _rows(database, "integrations_pipelinerun", "kind")] == ["phase1", "phase2"]


@pytest.mark.slow
def test_an_ended_run_began_with_as_many_repositories_as_it_ended_with(database: BaseDatabaseWrapper) -> None:
    """Of one that was cancelled it is not known."""
    call_command("migrate", database=NAME, verbosity=0)
    apps, now = _migrate(database, [("integrations", "0014_points_spent")]), timezone.now()
    team = apps.get_model("teams", "Team").objects.using(NAME).create(slug="blue", name="Blue")
    for state, synced, failed in (("partial", 2, 1), ("completed", 2, 0), ("failed", 0, 4), ("cancelled", 1, 0)):
        apps.get_model("integrations", "PipelineRun").objects.using(NAME).create(
            team=team, state=state, repos_synced=synced, repos_failed=failed, started_ns=1, started_at=now
        )
    call_command("migrate", database=NAME, verbosity=0)
    assert [row[0] for row in _rows(database, "integrations_pipelinerun", "repos_count")] == [3, 2, 4, None]


@pytest.mark.slow
def test_a_repository_read_up_to_the_future_is_read_as_a_whole(database: BaseDatabaseWrapper) -> None:
    """One that was read up to now goes on there."""
    call_command("migrate", database=NAME, verbosity=0)
    _migrate(database, [("repositories", "0005_github_app")])
    now, team = timezone.now(), Team.objects.using(NAME).create(slug="blue", name="Blue")
    account = GitHubConnection.objects.using(NAME).create(team=team, account="x/ada", encrypted_token=b"")
    for name, covered_to in (("a/now", now), ("a/future", now + timedelta(days=400)), ("a/never", None)):
        TrackedRepository.objects.using(NAME).create(
            team=team, connection=account, full_name=name, covered_from=MOMENT, covered_to=covered_to
        )
    call_command("migrate", database=NAME, verbosity=0)
    covered = _rows(database, "repositories_trackedrepository", "covered_from, covered_to")
    assert covered == [(MOMENT, now), (None, None), (MOMENT, None)]


@pytest.mark.slow
def test_permissions_follow_the_tables(database: BaseDatabaseWrapper) -> None:
    """Whoever may view a moved table's rows still may: its content type is the same row under its new app."""
    call_command("migrate", database=NAME, verbosity=0)
    executor = MigrationExecutor(database)
    executor.migrate(BEFORE_REPOSITORIES)
    old = {row.pk: row.model for row in ContentType.objects.using(NAME).filter(model__in=_models())}
    permissions = set(Permission.objects.using(NAME).filter(content_type__in=old).values_list("pk", "codename"))
    call_command("migrate", database=NAME, verbosity=0)
    new = ContentType.objects.using(NAME).filter(model__in=_models())
    assert {row.pk: row.model for row in new} == old
    assert {f"{row.app_label}_{row.model}" for row in new} == set(MOVED.values())
    assert set(Permission.objects.using(NAME).filter(content_type__in=old).values_list("pk", "codename")) == permissions


def _models() -> set[str]:
    return {table.partition("_")[2] for table in MOVED}


@pytest.mark.slow
def test_the_move_can_be_undone(database: BaseDatabaseWrapper) -> None:
    """Back and forth again, with every row."""
    _create_rows(_migrate(database, BEFORE_REPOSITORIES))
    before = {old: _rows(database, old) for old in MOVED}
    _migrate(database, _latest(database))
    _migrate(database, BEFORE_REPOSITORIES)
    assert {old: _rows(database, old) for old in MOVED} == before


def test_what_was_pending_queues_for_its_account(database: BaseDatabaseWrapper) -> None:
    """A row of the version before admission knows its account and its kind, and goes back as it was."""
    before: list[tuple[str, str | None]] = [("integrations", "0005_export_due_at"), ("repositories", "0001_initial")]
    apps = _migrate(database, before)
    create = {name: apps.get_model(label, name).objects.using(NAME).create for label, name in _OWN}
    team = create["Team"](slug="team", name="Team")
    account = create["GitHubConnection"](team=team, account="api.github.com/me", encrypted_token=b"")
    tracked = create["TrackedRepository"](team=team, connection=account, full_name="o/n")
    for kind in ("recent", "backfill"):
        run = create["PipelineRun"](team=team, kind=kind, phase="syncing", traceparent="", started_ns=1, started_at=MOMENT)
        create["RepoSync"](run=run, repository=tracked, due_at=MOMENT, sent_at=MOMENT, state="pending")
    _migrate(database, _latest(database))
    rows = RepoSync.objects.using(NAME).order_by("pk")
    assert list(rows.values_list("state", "is_backfill", "connection__account")) == [
        ("queued", False, "api.github.com/me"),
        ("queued", True, "api.github.com/me"),
    ]
    _migrate(database, before)
    assert [row[0] for row in _rows(database, "integrations_reposync", "state")] == ["pending"] * 2


def test_a_run_of_which_some_failed_becomes_partial(database: BaseDatabaseWrapper) -> None:
    """One that failed wholly, one that lost nothing and one that still runs stay what they are; and back again."""
    before: list[tuple[str, str | None]] = [("integrations", "0006_admission")]
    apps = _migrate(database, before)
    create = {name: apps.get_model(label, name).objects.using(NAME).create for label, name in _OWN}
    team = create["Team"](slug="team", name="Team")
    account = create["GitHubConnection"](team=team, account="api.github.com/me", encrypted_token=b"")
    tracked = [create["TrackedRepository"](team=team, connection=account, full_name=f"o/{name}") for name in "ab"]
    now = {"started_ns": 1, "started_at": MOMENT, "traceparent": ""}
    runs = {"partial": ("completed", 1), "completed": ("completed", 0), "failed": ("failed", 2), "running": ("running", 1)}
    for state, failed in runs.values():
        ended = None if state == "running" else MOMENT
        run = create["PipelineRun"](team=team, kind="recent", phase="syncing", state=state, ended_at=ended, **now)
        for place, repository in enumerate(tracked):
            common = {"run": run, "repository": repository, "connection": account, "is_backfill": False, "due_at": MOMENT}
            create["RepoSync"](**common, state="failed" if place < failed else "completed")
    call_command("migrate", database=NAME, verbosity=0)
    counted = list(PipelineRun.objects.using(NAME).order_by("pk").values_list("state", "repos_failed"))
    assert counted == [("partial", 1), ("completed", 0), ("failed", 2), ("running", 0)]
    _migrate(database, before)
    assert [row[0] for row in _rows(database, "integrations_pipelinerun", "state")] == [state for state, _ in runs.values()]


_OWN = (
    ("teams", "Team"),
    ("repositories", "GitHubConnection"),
    ("repositories", "TrackedRepository"),
    ("integrations", "PipelineRun"),
    ("integrations", "RepoSync"),
)


def test_a_token_whose_key_is_gone_stays_without_a_fingerprint(database: BaseDatabaseWrapper) -> None:
    """It has to be connected again anyway, and holds up no migration."""
    before: list[tuple[str, str | None]] = [("repositories", "0003_counts")]
    apps = _migrate(database, before)
    team = apps.get_model("teams", "Team").objects.using(NAME).create(slug="team", name="Team")
    for name, token in (("lost", Fernet(Fernet.generate_key()).encrypt(b"x")), ("kept", encrypt(TOKEN))):
        apps.get_model("repositories", "GitHubConnection").objects.using(NAME).create(
            team=team, account=name, encrypted_token=token
        )
    call_command("migrate", database=NAME, verbosity=0)
    found = dict(GitHubConnection.objects.using(NAME).values_list("account", "token_fingerprint"))
    assert found == {"lost": "", "kept": fingerprint(TOKEN)}
