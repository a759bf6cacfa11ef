"""How Celery is traced."""
