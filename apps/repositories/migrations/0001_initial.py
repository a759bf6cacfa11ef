"""Connections and tracked repositories move here from `integrations`, with their rows, content types and permissions."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

_MOVED = ("githubconnection", "trackedrepository")


def _rename(old: str, new: str) -> list[str]:
    tables = [f"ALTER TABLE {old}_{model} RENAME TO {new}_{model}" for model in _MOVED]
    models_moved = ", ".join(f"'{model}'" for model in _MOVED)
    return [
        *tables,
        f"UPDATE django_content_type SET app_label = '{new}' WHERE app_label = '{old}' AND model IN ({models_moved})",
    ]


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('teams', '0001_initial'),
        ('integrations', '0002_told_at'),
        ('pulls', '0001_initial'),  # which refers to a table by its old name
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    _rename("integrations", "repositories"), reverse_sql=_rename("repositories", "integrations")
                ),
            ],
            state_operations=[
                migrations.CreateModel(
                    name='GitHubConnection',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('api_url', models.URLField(default='https://api.github.com')),
                        ('account', models.CharField(help_text='host/login: limits are per account, not per token', max_length=200)),
                        ('encrypted_token', models.BinaryField()),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                        ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='connections', to='teams.team')),
                    ],
                    options={
                        'verbose_name': 'GitHub connection',
                    },
                ),
                migrations.CreateModel(
                    name='TrackedRepository',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('full_name', models.CharField(max_length=200)),
                        ('github_id', models.BigIntegerField(null=True)),
                        ('is_archived', models.BooleanField(default=False)),
                        ('covered_from', models.DateTimeField(help_text='every pull request updated from here to covered_to is stored; year 1970 for all history', null=True)),
                        ('covered_to', models.DateTimeField(help_text="the watermark: GitHub's newest updatedAt at the last start", null=True)),
                        ('added_at', models.DateTimeField(auto_now_add=True)),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='repositories', to='repositories.githubconnection')),
                        ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='repositories', to='teams.team')),
                    ],
                    options={
                        'verbose_name_plural': 'tracked repositories',
                    },
                ),
                migrations.AddConstraint(
                    model_name='githubconnection',
                    constraint=models.UniqueConstraint(fields=('team', 'account'), name='one_connection_per_account'),
                ),
                migrations.AddConstraint(
                    model_name='trackedrepository',
                    constraint=models.UniqueConstraint(models.F('team'), django.db.models.functions.text.Lower('full_name'), name='one_repository_per_team'),
                ),
            ],
        ),
    ]
