"""Stored tokens are recognized by a keyed fingerprint, and need not be decrypted for that."""

from contextlib import suppress

from django.core.exceptions import ImproperlyConfigured
from django.db import migrations, models

from apps.repositories.secrets import decrypt, fingerprint


def fill(apps, schema_editor):
    """Give each token that can be decrypted its fingerprint; one whose key is gone has to be connected again anyway."""
    connections = apps.get_model("repositories", "GitHubConnection").objects.using(schema_editor.connection.alias)
    for connection in connections.only("encrypted_token").iterator():
        with suppress(ImproperlyConfigured):
            found = fingerprint(decrypt(bytes(connection.encrypted_token)))
            connections.filter(pk=connection.pk).update(token_fingerprint=found)


class Migration(migrations.Migration):

    dependencies = [
        ("repositories", "0003_counts"),
    ]

    operations = [
        migrations.AddField(
            model_name="githubconnection",
            name="token_fingerprint",
            field=models.CharField(
                default="", help_text="recognizes the token: keyed, and tells nothing of it", max_length=64
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="githubconnection",
            name="token_fingerprint",
            field=models.CharField(
                db_index=True, default="", help_text="recognizes the token: keyed, and tells nothing of it", max_length=64
            ),
        ),
    ]
