"""The Django project. The Celery app is imported here so that `@shared_task` finds it in every process."""

from __future__ import annotations

from apps.config.celery import app

__all__ = ["app"]
