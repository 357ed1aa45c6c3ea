"""Pages of a person's own account. Console pages of accounts are in ``console_urls``."""

from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import URLPattern, URLResolver, path, reverse_lazy

from accounts.api.own_data import EraseAccountView, OwnDataView
from accounts.views import own_data, passwords, profile, signing_in, team

urlpatterns: list[URLPattern | URLResolver] = [
    path("account/login/", signing_in.SignInView.as_view(), name="account_login"),
    path("account/login/code/", signing_in.login_code, name="account_login_code"),
    path("account/logout/", auth_views.LogoutView.as_view(), name="account_logout"),
    path("account/signup/", signing_in.signup, name="account_signup"),
    path("account/", profile.profile, name="account_profile"),
    path("account/security/", profile.security, name="account_security"),
    path("account/data/", own_data.own_data, name="account_data"),
    path("account/data/download/", own_data.download, name="account_data_download"),
    path("account/data/erase/", own_data.erase, name="account_data_erase"),
    path("account/erased/", own_data.erased, name="account_erased"),
    path("api/account/export", OwnDataView.as_view(), name="api_account_export"),
    path("api/account/erase", EraseAccountView.as_view(), name="api_account_erase"),
    path("account/company/new/", profile.company_new, name="account_company_new"),
    path("account/company/switch/", profile.company_switch, name="account_company_switch"),
    path("account/invitation/", team.invitation_accept, name="account_invitation"),
    path(
        "account/password/change/",
        passwords.PasswordChange.as_view(
            template_name="accounts/password_change.html",
            success_url=reverse_lazy("account_password_change_done"),
        ),
        name="account_password_change",
    ),
    path(
        "account/password/change/done/",
        auth_views.PasswordChangeDoneView.as_view(
            template_name="accounts/password_change_done.html"
        ),
        name="account_password_change_done",
    ),
    path(
        "account/password/reset/",
        auth_views.PasswordResetView.as_view(
            template_name="accounts/password_reset.html",
            email_template_name="accounts/email/password_reset.txt",
            subject_template_name="accounts/email/password_reset_subject.txt",
            success_url=reverse_lazy("account_password_reset_sent"),
        ),
        name="account_password_reset",
    ),
    path(
        "account/password/reset/sent/",
        auth_views.PasswordResetDoneView.as_view(template_name="accounts/password_reset_sent.html"),
        name="account_password_reset_sent",
    ),
    path(
        "account/password/reset/<uidb64>/<token>/",
        passwords.PasswordReset.as_view(
            template_name="accounts/password_reset_confirm.html",
            success_url=reverse_lazy("account_password_reset_complete"),
        ),
        name="account_password_reset_confirm",
    ),
    path(
        "account/password/reset/complete/",
        auth_views.PasswordResetCompleteView.as_view(
            template_name="accounts/password_reset_complete.html"
        ),
        name="account_password_reset_complete",
    ),
]
