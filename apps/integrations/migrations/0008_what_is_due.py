"""Rows say what was not sent or said yet: a run's first line, a phase's step, an admitted attempt's message."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0007_partial_and_cancelled'),
    ]

    operations = [
        migrations.AddField(
            model_name='pipelinerun',
            name='announced_at',
            field=models.DateTimeField(help_text='when its first line was written', null=True),
        ),
        migrations.AddField(
            model_name='pipelinerun',
            name='phase_at',
            field=models.DateTimeField(help_text='when it entered its phase; null: when it started', null=True),
        ),
        migrations.RunSQL(
            [
                'SET CONSTRAINTS ALL IMMEDIATE',
                'UPDATE integrations_pipelinerun SET announced_at = started_at',
            ],
            reverse_sql=[
                "UPDATE integrations_pipelinerun SET step_sent_at = phase_at"
                " WHERE state = 'running' AND step_sent_at IS NULL",
                'UPDATE integrations_admission SET sent_at = admitted_at WHERE sent_at IS NULL',
                'SET CONSTRAINTS ALL IMMEDIATE',
            ],
        ),
        migrations.AlterField(
            model_name='pipelinerun',
            name='step_sent_at',
            field=models.DateTimeField(help_text="when the phase's step was last sent or started; null: not yet", null=True),
        ),
        migrations.AlterField(
            model_name='admission',
            name='sent_at',
            field=models.DateTimeField(help_text='when a message for it was last sent; null: not yet', null=True),
        ),
        migrations.AddIndex(
            model_name='pipelinerun',
            index=models.Index(condition=models.Q(('announced_at', None)), fields=['started_at'], name='unannounced_runs'),
        ),
    ]
