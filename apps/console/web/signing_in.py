"""Sign in and out, and accept an invitation."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.console.guessing import TooManyAttemptsError, count_attempt, forget_attempts
from apps.console.invitations import InvitationGoneError, accept, find_invitation


def address_of(request: HttpRequest) -> str:
    """Return the address that a request came from, as seen by the outermost of our own proxies, if any."""
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if 0 < settings.SYNCTRACE_PROXIES <= len(forwarded):
        return str(forwarded[-settings.SYNCTRACE_PROXIES])
    return str(request.META.get("REMOTE_ADDR", ""))


class _SignInForm(AuthenticationForm):
    """A name and a password, with limited guessing."""

    def clean(self) -> dict[str, Any]:
        """Count the attempt, then compare the password."""
        account = self.cleaned_data.get("username", "")
        address = address_of(self.request) if self.request else ""
        try:
            count_attempt(account=account, address=address)
        except TooManyAttemptsError as error:
            raise ValidationError(f"{error}. An administrator can invite you again.", code="throttled") from error
        cleaned: dict[str, Any] = super().clean()
        forget_attempts(account=account, address=address)
        return cleaned


class SignIn(LoginView):
    """Sign somebody in and redirect them to where they wanted to go."""

    template_name = "console/sign_in.html"
    authentication_form = _SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """Add how the operator invites people, and whether there are no accounts yet."""
        found = {"command": settings.SYNCTRACE_COMMAND, "has_users": User.objects.exists()}
        return super().get_context_data(**context, **found)


@login_not_required
@never_cache
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to our own page, which counts attempts; a signed-in user sent here is not staff."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect(f"{reverse('login')}?{request.GET.urlencode()}")


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Let the link's bearer choose a password, and sign them in."""
    try:
        found = find_invitation(token)
        form = SetPasswordForm(User(username=found.username), request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return render(request, "console/invitation.html", {"invitation": found, "form": form})
        user = accept(token, password=form.cleaned_data["new_password1"])
    except InvitationGoneError:
        return render(request, "console/invitation.html", {"invitation": None}, status=410)
    login(request, user)
    return redirect("home")
