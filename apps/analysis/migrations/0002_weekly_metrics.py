"""Weekly metrics move here from `pulls`, with their rows, content type and permissions."""

import django.db.models.deletion
from django.db import migrations, models


def _rename(old: str, new: str) -> list[str]:
    return [
        f"ALTER TABLE {old}_weeklymetrics RENAME TO {new}_weeklymetrics",
        f"UPDATE django_content_type SET app_label = '{new}' WHERE app_label = '{old}' AND model = 'weeklymetrics'",
    ]


class Migration(migrations.Migration):

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('teams', '0001_initial'),
        ('pulls', '0002_repository_moved'),
        ('analysis', '0001_initial'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(_rename("pulls", "analysis"), reverse_sql=_rename("analysis", "pulls")),
            ],
            state_operations=[
                migrations.CreateModel(
                    name='WeeklyMetrics',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('week', models.DateField(help_text="the week's Monday")),
                        ('merged', models.IntegerField()),
                        ('cycle_time_hours', models.FloatField(help_text='median, from the first commit to the merge', null=True)),
                        ('review_time_hours', models.FloatField(help_text='median, from opening to the first review by somebody else', null=True)),
                        ('size', models.FloatField(help_text='median of lines added plus lines deleted', null=True)),
                        ('ai_assisted_share', models.FloatField(help_text='of those merged, 0 to 1', null=True)),
                        ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='weekly_metrics', to='teams.team')),
                    ],
                    options={
                        'verbose_name_plural': 'weekly metrics',
                    },
                ),
                migrations.AddConstraint(
                    model_name='weeklymetrics',
                    constraint=models.UniqueConstraint(fields=('team', 'week'), name='one_row_per_team_and_week'),
                ),
            ],
        ),
        migrations.AlterField(
            model_name='analysis',
            name='evidence',
            field=models.TextField(help_text='the first match of each tool, and where it was found'),
        ),
        migrations.AlterField(
            model_name='analysis',
            name='of_update',
            field=models.DateTimeField(help_text='the updated_at that the pull request had when it was analyzed'),
        ),
    ]
