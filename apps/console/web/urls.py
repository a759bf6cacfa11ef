"""The console's URLs; all except signing in, an invitation and the health check require a user."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.generic import TemplateView

from apps.console.web import (
    accounts,
    cancelling,
    compare,
    connecting,
    connection,
    demo,
    github_app,
    home,
    removing,
    repositories,
    repository,
    resuming,
    run,
    run_time,
    runs,
    saved,
    signing_in,
    span_details,
    stream,
    system,
    teams,
    waterfall,
)
from apps.explain.codes import CODES

urlpatterns = [
    path("", home.home, name="home"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<int:run_id>/", run.run, name="run"),
    path("runs/<int:run_id>/time/", run_time.run_time, name="run_time"),
    path("runs/<int:run_id>/spans.jsonl", waterfall.spans, name="spans"),
    path("runs/<int:run_id>/spans/<str:span_id>.json", span_details.span, name="span"),
    path("runs/<int:run_id>/saved.html", saved.saved, name="saved"),
    path("runs/<int:run_id>/compare/", compare.compare, name="compare"),
    path("runs/<int:run_id>/cancel/", cancelling.cancel, name="cancel"),
    path("runs/<int:run_id>/resume/", resuming.resume, name="resume"),
    path("repositories/", repositories.repositories, name="repositories"),
    path("repositories/<int:repository_id>/", repository.repository, name="repository"),
    path("repositories/<int:repository_id>/pull-requests/", repository.pull_requests, name="pull_requests"),
    path("teams/", teams.teams, name="teams"),
    path("teams/<slug:slug>/", teams.team, name="team"),
    path("teams/by-number/<int:team_id>/", teams.by_number, name="team_by_number"),
    path("teams/<slug:slug>/promise/", teams.promise, name="promise"),
    path("accounts/", accounts.accounts, name="accounts"),
    path("connect/", connecting.connect, name="connect"),
    path("connect/app/", github_app.github_app, name="github_app"),
    path("connect/<int:connection_id>/", connection.connection, name="connection"),
    path("connect/<int:connection_id>/token/", connecting.token, name="token"),
    path("connect/<int:connection_id>/remove/", removing.remove, name="remove"),
    path("demo/", demo.demo, name="demo"),
    path("system/", system.system, name="system"),
    path("help/", TemplateView.as_view(template_name="console/help.html", extra_context={"codes": CODES}), name="help"),
    path("events", stream.events, name="events"),
    path("sign-in/", signing_in.SignIn.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    path("invitation/<str:token>/", signing_in.invitation, name="invitation"),
    path("healthz", system.healthz, name="healthz"),
    path("admin/login/", signing_in.admin_sign_in, name="admin_sign_in"),
]
