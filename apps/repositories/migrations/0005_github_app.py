"""A connection may be with an installation of a GitHub App, whose tokens end after an hour."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('repositories', '0004_token_fingerprint'),
    ]

    operations = [
        migrations.AddField(
            model_name='githubconnection',
            name='installation_id',
            field=models.BigIntegerField(help_text='of the GitHub App, which makes its tokens; null: pasted', null=True),
        ),
        migrations.AddField(
            model_name='githubconnection',
            name='token_expires_at',
            field=models.DateTimeField(help_text="when an installation's token ends; it is renewed before", null=True),
        ),
    ]
