"""A watermark of the future, which an earlier version took from a server whose clock was wrong, hides what changed since.

Such a repository is read as a whole by its next sync.
"""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('repositories', '0005_github_app'),
    ]

    operations = [
        migrations.RunSQL(
            """
            UPDATE repositories_trackedrepository SET covered_from = NULL, covered_to = NULL
            WHERE covered_to > now() + interval '1 minute'
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
