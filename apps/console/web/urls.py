"""The console's addresses."""

from __future__ import annotations

from django.urls import path

from apps.console.web import views

urlpatterns = [
    path("", views.index, name="index"),
    path("healthz", views.healthz, name="healthz"),
]
