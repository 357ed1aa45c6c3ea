"""People, companies and keys for administrators. Keys can be revoked here, never read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import (
    Company,
    CompanyKey,
    ErasureRequest,
    Invitation,
    Market,
    Membership,
    Profile,
    SkillLevel,
    User,
)
from accounts.services.api_keys import revoke_api_key
from core.admin import ReadOnlyAdmin

if TYPE_CHECKING:
    CreationForm = BaseUserCreationForm[User]
    ChangeForm = UserChangeForm[User]
    PeopleAdmin = DjangoUserAdmin[User]
    RowAdmin = admin.ModelAdmin[Any]
    RowInline = admin.TabularInline[Membership, Company]
else:
    # Generic for the type checker only.
    CreationForm, ChangeForm, PeopleAdmin = BaseUserCreationForm, UserChangeForm, DjangoUserAdmin
    RowAdmin, RowInline = admin.ModelAdmin, admin.TabularInline


class PersonCreationForm(CreationForm):
    """A new person: address and password."""

    class Meta:
        model = User
        fields = ("email", "full_name")
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {}


class PersonChangeForm(ChangeForm):
    """An existing person."""

    class Meta:
        model = User
        fields = ("email", "full_name", "is_active", "is_staff", "is_superuser", "groups")
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {}


@admin.register(User)
class UserAdmin(PeopleAdmin):
    """People with a login."""

    add_form = PersonCreationForm
    form = PersonChangeForm
    ordering = ("-joined_at",)
    list_display = ("email", "full_name", "is_active", "is_staff", "joined_at")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "full_name", "public_id")
    readonly_fields = ("public_id", "last_login", "joined_at")
    filter_horizontal = ("groups",)
    fieldsets = (
        (None, {"fields": ("public_id", "email", "full_name", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Dates", {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "full_name", "password1", "password2")}),)


class MembershipInline(RowInline):
    """Who belongs to a company."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Company)
class CompanyAdmin(RowAdmin):
    """Tenants."""

    list_display = ("name", "slug", "is_demo", "retention_days", "created_at")
    list_filter = ("is_demo",)
    search_fields = ("name", "slug", "public_id")
    readonly_fields = ("public_id", "created_at")
    inlines = (MembershipInline,)


@admin.register(CompanyKey)
class CompanyKeyAdmin(ReadOnlyAdmin):
    """Keys: seen by their beginning, revoked by an action."""

    list_display = ("name", "company", "prefix", "created_at", "last_used_at", "revoked_at")
    list_filter = ("revoked_at",)
    search_fields = ("name", "prefix", "company__name")
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.action(description="Revoke the chosen keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[CompanyKey]) -> None:
        """Make the chosen keys worthless."""
        actor = request.user if isinstance(request.user, User) else None
        for key in queryset.select_related("company"):
            revoke_api_key(key=key, actor=actor)
        self.message_user(request, "The keys no longer work.", messages.SUCCESS)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations; their tokens are not stored."""

    list_display = ("email", "company", "role", "created_at", "expires_at", "accepted_at")
    search_fields = ("email", "company__name")
    exclude = ("token_digest",)


@admin.register(Profile)
class ProfileAdmin(RowAdmin):
    """Who people say they are, and their plan."""

    list_display = ("user", "market", "skill_level", "language", "plan", "updated_at")
    list_filter = ("plan", "market", "skill_level", "language")
    list_select_related = ("user", "market", "skill_level")
    autocomplete_fields = ("user",)


@admin.register(Market, SkillLevel)
class ChoiceAdmin(RowAdmin):
    """The closed lists people choose from."""

    list_display = ("label", "slug", "position")
    list_editable = ("position",)


@admin.register(Membership)
class MembershipAdmin(RowAdmin):
    """Who may do what, across companies."""

    list_display = ("user", "company", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "company")
    search_fields = ("user__email", "company__name")
    autocomplete_fields = ("user", "company")


@admin.register(ErasureRequest)
class ErasureRequestAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "user", "requested_at", "attempts", "finished_at")
    list_filter = ("finished_at",)
    ordering = ("-requested_at",)
