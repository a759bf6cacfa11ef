"""The repository a pull request belongs to is now that of `repositories`; its table was renamed there, so no row changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pulls', '0001_initial'),
        ('repositories', '0001_initial'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='pullrequest',
                    name='repository',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pull_requests', to='repositories.trackedrepository'),
                ),
            ],
        ),
    ]
