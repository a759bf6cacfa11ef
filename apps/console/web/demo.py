"""Load the demo's data while there is nothing else: for staff, who may create its team."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.console import demo_data
from apps.console.web.connecting import CHECK_SECONDS
from apps.console.web.finding import Finding
from apps.console.web.sight import Sight
from apps.integrations.errors import SyncError, message_of
from apps.integrations.models import PipelineRun


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def demo(request: HttpRequest) -> HttpResponse:
    """Start the demo's sync and redirect to its run, or say why there is none."""
    if not Sight.of(request.user).may_make_teams:
        raise PermissionDenied
    url, connection = settings.SYNCTRACE_DEMO_API_URL, demo_data.demo_connection()
    is_offered = bool(url) and (connection is not None or demo_data.is_wanted())
    refusal = None
    if request.method == "POST" and is_offered:
        try:
            sync = demo_data.prepare(api_url=url, by=request.user.get_username(), within=CHECK_SECONDS)
        except SyncError as error:
            advice = f"SYNCTRACE_DEMO_API_URL is {url}: a simulated GitHub must answer there, to this server and to workers."
            refusal = Finding(sentence=f"{message_of(error).rstrip('. ')}.", advice=advice)
        else:
            sync.start()
            return redirect("run", run_id=PipelineRun.objects.get(task_id=sync.task_id, kind=PipelineRun.Kind.RECENT).pk)
    context = {"refusal": refusal, "is_offered": is_offered, "url": url, "repositories": demo_data.REPOSITORIES}
    status = 422 if refusal else 409 if request.method == "POST" else 200
    return render(request, "console/demo.html", context, status=status)
