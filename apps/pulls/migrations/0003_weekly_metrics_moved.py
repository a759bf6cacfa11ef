"""Weekly metrics are those of `analysis`; their table was renamed there, so no row changes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('pulls', '0002_repository_moved'),
        ('analysis', '0002_weekly_metrics'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(name='WeeklyMetrics'),
            ],
        ),
        migrations.AlterField(
            model_name='pullrequest',
            name='files_total',
            field=models.IntegerField(help_text='null: GitHub could not compute the changes', null=True),
        ),
    ]
