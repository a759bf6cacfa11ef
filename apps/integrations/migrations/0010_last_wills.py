"""Rows keep the wills of the spans that are open at them; spans of processes that vanished have rows of their own."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0009_sweep_time'),
        ('repositories', '0001_initial'),
        ('teams', '0002_share'),
    ]

    operations = [
        migrations.CreateModel(
            name='VanishedSpans',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('will', models.JSONField(help_text='what is known of them, and of their process')),
                ('last_seen_at', models.DateTimeField(help_text='the last sign of life; null: the will itself', null=True)),
                ('found_at', models.DateTimeField(help_text='when they were found')),
                ('export_due_at', models.DateTimeField(help_text='when the sweep exports them; null: nothing left to do', null=True)),
                ('exported_to', models.JSONField(default=list, help_text='the exporters that have them')),
            ],
            options={
                'verbose_name': "vanished process's spans",
                'verbose_name_plural': "vanished processes' spans",
            },
        ),
        migrations.AddField(
            model_name='pipelinerun',
            name='step_will',
            field=models.JSONField(help_text='the spans of the process that works at the step', null=True),
        ),
        migrations.AddField(
            model_name='reposync',
            name='attempt_will',
            field=models.JSONField(help_text="the running attempt's spans, for whoever finds it dead", null=True),
        ),
        migrations.AddIndex(
            model_name='pipelinerun',
            index=models.Index(condition=models.Q(('step_will__isnull', False)), fields=['ended_at'], name='willed_by_end'),
        ),
        migrations.AddIndex(
            model_name='reposync',
            index=models.Index(condition=models.Q(('attempt_will__isnull', False)), fields=['alive_at'], name='willed_by_life'),
        ),
        migrations.AddField(
            model_name='vanishedspans',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='integrations.pipelinerun'),
        ),
        migrations.AddIndex(
            model_name='vanishedspans',
            index=models.Index(condition=models.Q(('export_due_at__isnull', False)), fields=['export_due_at'], name='vanished_to_export'),
        ),
        migrations.AddIndex(
            model_name='vanishedspans',
            index=django.contrib.postgres.indexes.GinIndex(fields=['will'], name='vanished_by_span', opclasses=['jsonb_path_ops']),
        ),
    ]
