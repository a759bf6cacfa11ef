"""A team has a share of the workers and of accounts that several teams use."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('teams', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='team',
            name='share',
            field=models.PositiveSmallIntegerField(default=1, help_text='how much of the workers, and of accounts used by several teams, it gets: 2 is twice as much as 1', validators=[django.core.validators.MinValueValidator(1)]),
        ),
    ]
