"""What each account paid in each hour, and for which repositories, is kept from here on."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0013_phase_starts'),
        ('repositories', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='PointsSpent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField(help_text='when the hour begins, in UTC')),
                ('points', models.IntegerField()),
                ('connection', models.ForeignKey(help_text='whose account paid', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='repositories.githubconnection')),
                ('repository', models.ForeignKey(help_text='null once it is removed', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='repositories.trackedrepository')),
            ],
            options={
                'verbose_name': 'points spent',
                'verbose_name_plural': 'points spent',
                'indexes': [models.Index(fields=['hour'], name='points_spent_by_hour')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'repository', 'hour'), name='one_sum_per_repository_and_hour')],
            },
        ),
        migrations.RunSQL(
            [
                """
                CREATE FUNCTION integrations_add_points_spent() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO integrations_pointsspent AS known (connection_id, repository_id, hour, points)
                    VALUES (
                        NEW.connection_id,
                        NEW.repository_id,
                        date_trunc('hour', coalesce(NEW.alive_at, statement_timestamp()), 'UTC'),
                        NEW.points - OLD.points
                    )
                    ON CONFLICT (connection_id, repository_id, hour)
                    DO UPDATE SET points = known.points + excluded.points;
                    RETURN NULL;
                END
                $$
                """,
                """
                CREATE TRIGGER add_points_spent AFTER UPDATE OF points ON integrations_reposync
                FOR EACH ROW WHEN (NEW.points > OLD.points) EXECUTE FUNCTION integrations_add_points_spent()
                """,
            ],
            reverse_sql=[
                'DROP TRIGGER add_points_spent ON integrations_reposync',
                'DROP FUNCTION integrations_add_points_spent()',
            ],
        ),
    ]
