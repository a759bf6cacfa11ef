"""When a run entered each of its phases is kept."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0012_gaps_with_reasons'),
    ]

    operations = [
        migrations.AddField(
            model_name='pipelinerun',
            name='phase_starts',
            field=models.JSONField(help_text='when it entered each phase, by its name; null: an earlier version began it', null=True),
        ),
    ]
