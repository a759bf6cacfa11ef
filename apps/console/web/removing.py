"""Remove an account, after showing how much that deletes: for the team's owners and for staff."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.console.demo_data import remove_empty_team
from apps.console.models import RunCauses
from apps.console.web.connecting import connection_to_act_on
from apps.console.web.sight import Sight
from apps.integrations import removing
from apps.integrations.errors import WrongState


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Say what would be deleted, or delete it."""
    found = connection_to_act_on(Sight.of(request.user), connection_id)
    refused = ""
    if request.method == "POST":
        try:
            RunCauses.objects.filter(run__repo_syncs__repository__connection=found).delete()  # the rest is explained afresh
            removing.remove(found, by=request.user.get_username())
            remove_empty_team(found.team_id)
        except WrongState as error:
            refused = f"{error}."
        else:
            return redirect("connect")
    removal = removing.removal_of(found)
    refused = refused or (f"{why}." if (why := removing.why_busy(removal)) else "")
    context = {"connection": found, "removal": removal, "refused": refused}
    return render(request, "console/remove.html", context, status=409 if request.method == "POST" else 200)
