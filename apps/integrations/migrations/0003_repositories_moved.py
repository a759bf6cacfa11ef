"""Connections and tracked repositories are those of `repositories`; their tables were renamed there, so no row changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0002_told_at'),
        ('pulls', '0002_repository_moved'),
        ('repositories', '0001_initial'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='reposync',
                    name='repository',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='repo_syncs', to='repositories.trackedrepository'),
                ),
                migrations.DeleteModel(name='TrackedRepository'),
                migrations.DeleteModel(name='GitHubConnection'),
            ],
        ),
    ]
