"""What a connection's token may do and see is kept, to be shown."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('repositories', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='TokenAccess',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_at', models.DateTimeField(help_text='when GitHub named scopes and end')),
                ('scopes', models.JSONField(help_text='null: GitHub names none, as for fine-grained tokens', null=True)),
                ('expires_at', models.DateTimeField(help_text='null: GitHub does not say', null=True)),
                ('organizations', models.JSONField(help_text='null: the token may not ask', null=True)),
                ('hidden_organizations', models.JSONField(default=list, help_text='ids of those that want single sign-on first')),
                ('listed_at', models.DateTimeField(help_text='when the list was read, or read on; null: not yet', null=True)),
                ('repositories', models.JSONField(default=list, help_text='the values of a `Listed` for each')),
                ('continues_at', models.TextField(default='', help_text="the path of the list's next page; empty: it was read to its end")),
                ('refusal', models.TextField(default='', help_text='why the repositories could not be listed, or not to the end')),
                ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='access', to='repositories.githubconnection')),
            ],
            options={
                'verbose_name': "token's access",
                'verbose_name_plural': "tokens' access",
            },
        ),
    ]
