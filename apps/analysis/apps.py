from __future__ import annotations

from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    name = "apps.analysis"
    label = "analysis"
    default_auto_field = "django.db.models.BigAutoField"
