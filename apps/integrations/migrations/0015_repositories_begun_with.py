"""With how many repositories a run began is kept: their rows go when somebody removes them.

Of runs that have ended it is known with how many they ended, unless they were cancelled.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0014_points_spent'),
    ]

    operations = [
        migrations.AddField(
            model_name='pipelinerun',
            name='repos_count',
            field=models.IntegerField(help_text='with how many repositories it began; null: an earlier version began it, and it is not known', null=True),
        ),
        migrations.RunSQL(
            """
            UPDATE integrations_pipelinerun SET repos_count = repos_synced + repos_failed
            WHERE state IN ('completed', 'partial', 'failed') AND repos_synced + repos_failed > 0
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
