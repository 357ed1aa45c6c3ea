"""Signing up, in and out, with the second factor between password and login."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language_from_request
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp import login as otp_login

from accounts.forms import CodeForm, SignInForm, SignUpForm
from accounts.models import User
from accounts.services.companies import create_company
from accounts.services.people import EmailTakenError, sign_up
from accounts.services.second_factor import check_code, has_second_factor
from core import ratelimit
from core.errors import RateLimitedError

PENDING_KEY = "second_factor_pending"
"""Login session key: who gave the right password and owes a code."""
PENDING_SECONDS = 600
BACKEND = "django.contrib.auth.backends.ModelBackend"
SIGN_UPS_PER_HOUR = 20


def safe_next(request: HttpRequest, fallback: str = "home") -> str:
    """Return where to go next, if it is on this site."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return reverse(fallback)


@method_decorator([sensitive_post_parameters("password"), never_cache], name="dispatch")
class SignInView(LoginView):
    """Check the password; who has a second factor is asked for its code before being let in."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        user = cast(User, form.get_user())
        if not has_second_factor(user):
            return super().form_valid(form)
        # A fresh login session: nothing a stranger planted before survives the password.
        self.request.session.flush()
        self.request.session[PENDING_KEY] = {"user": user.pk, "next": self.get_success_url()}
        self.request.session.set_expiry(PENDING_SECONDS)
        return redirect("account_login_code")


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the second factor and let the person in."""
    pending = request.session.get(PENDING_KEY)
    if pending is None:
        return redirect("account_login")
    user = User.objects.filter(pk=pending["user"], is_active=True).first()
    if user is None:
        request.session.flush()
        return redirect("account_login")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ratelimit.hit(
                scope="login_code", key=str(user.pk), limit=10, window_seconds=PENDING_SECONDS
            )
        except RateLimitedError as error:
            form.add_error("code", error.detail)
        else:
            device = check_code(user=user, code=form.cleaned_data["code"])
            if device is not None:
                request.session.flush()
                login(request, user, backend=BACKEND)
                otp_login(request, device)
                return redirect(pending["next"])
            form.add_error("code", _("This code is not valid, or it was used already."))
    return render(request, "accounts/login_code.html", {"form": form})


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def signup(request: HttpRequest) -> HttpResponseBase:
    """Open an account, and a company with it when a name is given."""
    if request.user.is_authenticated:
        return redirect(safe_next(request))
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ratelimit.hit(
                scope="sign_up",
                key=ratelimit.client_ip(request),
                limit=SIGN_UPS_PER_HOUR,
                window_seconds=3600,
            )
            user = sign_up(
                email=form.cleaned_data["email"],
                password=form.cleaned_data["password"],
                full_name=form.cleaned_data["full_name"],
                language=get_language_from_request(request)[:2],
            )
        except EmailTakenError as error:
            form.add_error("email", error.detail)
        except RateLimitedError as error:
            form.add_error(None, error.detail)
        else:
            company_name = form.cleaned_data["company_name"]
            if company_name:
                create_company(name=company_name, owner=user)
            login(request, user, backend=BACKEND)
            messages.success(request, _("Welcome to Parley."))
            # Who came without a company came to do something: settings name the page they begin on.
            return redirect(
                safe_next(
                    request, "console:home" if company_name else settings.SIGN_UP_REDIRECT_URL
                )
            )
    return render(
        request, "accounts/signup.html", {"form": form, "next": request.GET.get("next", "")}
    )
