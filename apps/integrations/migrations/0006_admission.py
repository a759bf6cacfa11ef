"""The rows are the queue: each knows the account for which it queues, and an attempt in flight has a place there."""

import django.db.models.deletion
from django.db import migrations, models

_QUEUE = [
    'SET CONSTRAINTS ALL IMMEDIATE',
    """
    UPDATE integrations_reposync AS row
    SET connection_id = repository.connection_id, is_backfill = run.kind = 'backfill',
        state = CASE row.state WHEN 'pending' THEN 'queued' ELSE row.state END
    FROM repositories_trackedrepository AS repository, integrations_pipelinerun AS run
    WHERE repository.id = row.repository_id AND run.id = row.run_id
    """,
]
_UNQUEUE = [
    'SET CONSTRAINTS ALL IMMEDIATE',
    "UPDATE integrations_reposync SET state = 'pending' WHERE state = 'queued'",
]


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0005_export_due_at'),
        ('repositories', '0001_initial'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='reposync', name='integration_state_95996b_idx'),
        migrations.RemoveField(model_name='apilane', name='urgent_until'),
        migrations.RemoveField(model_name='reposync', name='sent_at'),
        migrations.AddField(
            model_name='reposync',
            name='connection',
            field=models.ForeignKey(null=True, help_text='whose account it queues for', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='repositories.githubconnection'),
        ),
        migrations.AddField(
            model_name='reposync',
            name='is_backfill',
            field=models.BooleanField(null=True, help_text="its run's kind: recent runs go first"),
        ),
        migrations.AddField(
            model_name='reposync',
            name='admitted_at',
            field=models.DateTimeField(help_text='when an attempt at it was last admitted', null=True),
        ),
        migrations.RunSQL(_QUEUE, reverse_sql=_UNQUEUE),
        migrations.AlterField(
            model_name='reposync',
            name='connection',
            field=models.ForeignKey(help_text='whose account it queues for', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='repositories.githubconnection'),
        ),
        migrations.AlterField(
            model_name='reposync',
            name='is_backfill',
            field=models.BooleanField(help_text="its run's kind: recent runs go first"),
        ),
        migrations.AlterField(
            model_name='reposync',
            name='due_at',
            field=models.DateTimeField(help_text='from when on the next attempt may be admitted'),
        ),
        migrations.AlterField(
            model_name='reposync',
            name='state',
            field=models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('retrying', 'retrying'), ('waiting', 'waiting'), ('completed', 'completed'), ('failed', 'failed')], default='queued', max_length=10),
        ),
        migrations.AddIndex(
            model_name='reposync',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'retrying', 'waiting'])), fields=['connection', 'is_backfill', 'id'], name='queued_by_connection'),
        ),
        migrations.AddIndex(
            model_name='reposync',
            index=models.Index(condition=models.Q(('admitted_at__isnull', False)), fields=['connection', '-admitted_at'], name='admitted_by_connection'),
        ),
        migrations.AddIndex(
            model_name='reposync',
            index=models.Index(condition=models.Q(('state', 'running')), fields=['alive_at'], name='running_by_life'),
        ),
        migrations.CreateModel(
            name='Admission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.IntegerField(help_text="one more than its row's until a worker begins it")),
                ('account', models.CharField(max_length=200)),
                ('place', models.PositiveSmallIntegerField(default=1)),
                ('admitted_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(help_text='when a message for it was last sent')),
                ('repo_sync', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='admission', to='integrations.reposync')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'place'), name='one_attempt_per_place')],
            },
        ),
    ]
