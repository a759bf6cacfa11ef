"""A run that has ended and whose root span was not exported is due for the sweep at a time of its own."""

from django.db import migrations, models
from django.db.models import F


def _schedule(apps, schema_editor):
    runs = apps.get_model('integrations', 'PipelineRun').objects.using(schema_editor.connection.alias)
    runs.filter(ended_at__isnull=False, exported_at=None).update(export_due_at=F('ended_at'))


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0004_words'),
    ]

    operations = [
        migrations.AddField(
            model_name='pipelinerun',
            name='export_due_at',
            field=models.DateTimeField(help_text='when the sweep exports its root span; null: nothing left to do', null=True),
        ),
        migrations.RunPython(_schedule, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='pipelinerun',
            name='exported_at',
            field=models.DateTimeField(help_text='when its root span was exported', null=True),
        ),
        migrations.AlterField(
            model_name='pipelinerun',
            name='logged_at',
            field=models.DateTimeField(help_text='when its last line was written', null=True),
        ),
    ]
