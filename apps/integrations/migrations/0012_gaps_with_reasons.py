"""Gaps of two kinds are described."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0011_freshness'),
    ]

    operations = [
        migrations.AlterField(
            model_name='reposync',
            name='gaps',
            field=models.JSONField(default=list, help_text='what could not be had: {pull_request, list, stored, total}, or {pull_request, field, reason}, and with a cursor for a whole pull request'),
        ),
    ]
