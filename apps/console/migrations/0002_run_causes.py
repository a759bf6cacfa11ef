"""The causes of ended runs are kept, to find runs by them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('console', '0001_initial'),
        ('integrations', '0012_gaps_with_reasons'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunCauses',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='causes', serialize=False, to='integrations.pipelinerun')),
                ('codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), help_text='the decisive one first; null: not explained', null=True, size=None)),
                ('had_spans', models.BooleanField(help_text='whether its spans could be read then')),
                ('of_rules', models.CharField(help_text='which rules found them: by others it is explained again', max_length=16)),
                ('explained_at', models.DateTimeField()),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['codes'], name='runs_by_cause')],
            },
        ),
    ]
