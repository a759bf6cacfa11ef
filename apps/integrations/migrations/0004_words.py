"""A repository ends with a disposition, runs are recent ones or backfills, and a run's last line is logged."""

from django.db import migrations, models


def _rename(names: dict[str, str]) -> list[str]:
    return [f"UPDATE integrations_pipelinerun SET kind = '{new}' WHERE kind = '{old}'" for old, new in names.items()]


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0003_repositories_moved'),
        ('teams', '0001_initial'),
    ]

    operations = [
        migrations.RenameField(model_name='reposync', old_name='outcome', new_name='disposition'),
        migrations.RenameField(model_name='pipelinerun', old_name='told_at', new_name='logged_at'),
        migrations.RemoveConstraint(model_name='pipelinerun', name='one_phase1_run_per_starting_task'),
        migrations.RunSQL(
            _rename({'phase1': 'recent', 'phase2': 'backfill'}),
            reverse_sql=_rename({'recent': 'phase1', 'backfill': 'phase2'}),
        ),
        migrations.AlterField(
            model_name='apilane',
            name='urgent_until',
            field=models.DateTimeField(help_text='a recent run is waiting: backfills stand back until then', null=True),
        ),
        migrations.AlterField(
            model_name='pipelinerun',
            name='backfill',
            field=models.BooleanField(default=False, help_text='whether backfills follow'),
        ),
        migrations.AlterField(
            model_name='pipelinerun',
            name='backfill_since',
            field=models.DateTimeField(help_text='where the backfill will start; null: all history', null=True),
        ),
        migrations.AlterField(
            model_name='pipelinerun',
            name='exported_at',
            field=models.DateTimeField(help_text='when its root span was exported; null: the sweep does it again', null=True),
        ),
        migrations.AlterField(
            model_name='pipelinerun',
            name='kind',
            field=models.CharField(choices=[('recent', 'recent'), ('backfill', 'backfill')], max_length=10),
        ),
        migrations.AlterField(
            model_name='pipelinerun',
            name='step_attempt',
            field=models.IntegerField(default=0, help_text='how often that step was started'),
        ),
        migrations.AlterField(
            model_name='pipelinerun',
            name='step_sent_at',
            field=models.DateTimeField(help_text="when the phase's step was last sent or started", null=True),
        ),
        migrations.AlterField(
            model_name='reposync',
            name='note',
            field=models.TextField(default='', help_text='for people: archived, or renamed from what'),
        ),
        migrations.AlterField(
            model_name='reposync',
            name='paged',
            field=models.BooleanField(default=False, help_text='the window is read; only the closing query is left'),
        ),
        migrations.AlterField(
            model_name='reposync',
            name='since',
            field=models.DateTimeField(help_text="where reading really starts: later than the run's if that is covered", null=True),
        ),
        migrations.AddConstraint(
            model_name='pipelinerun',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'recent')), fields=('task_id',), name='one_recent_run_per_starting_task'),
        ),
    ]
