"""A repository's pull requests are listed in the order of their merges: no query asks for the merges of all."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pulls', '0004_numbers_not_said'),
        ('repositories', '0005_github_app'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='pullrequest',
            name='pulls_pullr_merged__19c044_idx',
        ),
        migrations.AddIndex(
            model_name='pullrequest',
            index=models.Index(condition=models.Q(('merged_at__isnull', False)), fields=['repository', 'merged_at'], name='pulls_merged_of_repository'),
        ),
    ]
