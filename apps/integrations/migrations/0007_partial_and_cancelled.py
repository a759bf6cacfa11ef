"""A run of which some repositories failed is partial, and runs can be cancelled and resumed."""

from django.db import migrations, models

_COUNT = """
    UPDATE integrations_pipelinerun AS run
    SET repos_failed = failed.count,
        state = CASE run.state WHEN 'completed' THEN 'partial' ELSE run.state END
    FROM (
        SELECT run_id, count(*) AS count FROM integrations_reposync WHERE state = 'failed' GROUP BY run_id
    ) AS failed
    WHERE failed.run_id = run.id AND run.ended_at IS NOT NULL
"""
_FORGET = [
    "UPDATE integrations_pipelinerun SET state = 'completed' WHERE state = 'partial'",
    """
    UPDATE integrations_pipelinerun
    SET state = 'failed', error_type = 'cancelled', error_msg = 'It was cancelled'
    WHERE state = 'cancelled'
    """,
    """
    UPDATE integrations_reposync
    SET state = 'failed', disposition = 'failed', error_type = 'cancelled', error_msg = 'It was cancelled'
    WHERE state = 'cancelled'
    """,
    'SET CONSTRAINTS ALL IMMEDIATE',
]


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0006_admission'),
    ]

    operations = [
        migrations.AddField(
            model_name='pipelinerun',
            name='cancelled_by',
            field=models.CharField(default='', help_text='who called it off', max_length=200),
        ),
        migrations.AddField(
            model_name='pipelinerun',
            name='resumed_by',
            field=models.CharField(default='', help_text='who had it take up the run that it follows', max_length=200),
        ),
        migrations.AddField(
            model_name='pipelinerun',
            name='repos_failed',
            field=models.IntegerField(default=0),
        ),
        migrations.RunSQL(['SET CONSTRAINTS ALL IMMEDIATE', _COUNT], reverse_sql=_FORGET),
        migrations.AlterField(
            model_name='pipelinerun',
            name='state',
            field=models.CharField(choices=[('running', 'running'), ('completed', 'completed'), ('partial', 'partial'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='running', max_length=10),
        ),
        migrations.AlterField(
            model_name='reposync',
            name='state',
            field=models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('retrying', 'retrying'), ('waiting', 'waiting'), ('completed', 'completed'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=10),
        ),
        migrations.AlterField(
            model_name='reposync',
            name='disposition',
            field=models.CharField(blank=True, choices=[('synced', 'synced'), ('archived', 'archived'), ('renamed', 'renamed'), ('gone', 'gone'), ('forbidden', 'forbidden'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='', max_length=10),
        ),
    ]
