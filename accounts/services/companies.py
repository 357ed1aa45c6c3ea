"""Create companies and decide who belongs to them. Knows no HTTP.

One rule holds everywhere: a company always has an owner.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.text import slugify

from accounts.models import Company, Membership, Role, User
from core import audit
from core.errors import ConflictError, NotFoundError
from core.ids import new_id

SLUG_ATTEMPTS = 20


class LastOwnerError(ConflictError):
    """The change would leave a company without an owner."""

    def __init__(self) -> None:
        super().__init__(
            "last_owner", "A company needs an owner. Make somebody else an owner first."
        )


def create_company(
    *, name: str, owner: User | None = None, slug: str = "", is_demo: bool = False
) -> Company:
    """Create a company and make ``owner`` its first owner.

    The slug comes from the name; when it is taken, a number or a random end makes it unique. A
    slug given by the caller is used as it is.

    Raises:
        ConflictError: the given slug is taken.
    """
    base = slug or slugify(name)[:40] or "company"
    for number in range(1, SLUG_ATTEMPTS + 2):
        candidate = base if number == 1 else f"{base}-{number}"
        if number > SLUG_ATTEMPTS:
            candidate = f"{base}-{new_id('c')[-6:]}"
        try:
            with transaction.atomic():
                company = Company.objects.create(name=name, slug=candidate, is_demo=is_demo)
                if owner is not None:
                    Membership.objects.create(company=company, user=owner, role=Role.OWNER)
                audit.record_event(
                    actor=owner or "system",
                    action="company.created",
                    object_ref=company.public_id,
                    company=company,
                )
            return company
        except IntegrityError:
            if slug:
                raise ConflictError(
                    "slug_taken", f"There is a company '{slug}' already. Choose another slug."
                ) from None
    raise ConflictError("slug_taken", "No free short name was found. Choose another company name.")


def _owner_count(company: Company) -> int:
    return Membership.objects.filter(company=company, role=Role.OWNER).count()


def _locked_membership(company: Company, user_public_id: str) -> Membership:
    # Locking the company row makes two owners who demote each other wait for one another.
    Company.objects.select_for_update().get(pk=company.pk)
    membership = (
        Membership.objects.select_related("user")
        .filter(company=company, user__public_id=user_public_id)
        .first()
    )
    if membership is None:
        raise NotFoundError("member_not_found", "This person is not a member of the company.")
    return membership


def change_role(*, company: Company, user_public_id: str, role: Role, actor: User) -> Membership:
    """Give a member another role.

    Raises:
        NotFoundError: not a member of this company.
        LastOwnerError: the only owner would stop being one.
    """
    with transaction.atomic():
        membership = _locked_membership(company, user_public_id)
        if membership.role == Role.OWNER and role != Role.OWNER and _owner_count(company) == 1:
            raise LastOwnerError
        before, membership.role = membership.role, role
        membership.save(update_fields=["role"])
        audit.record_event(
            actor=actor,
            action="membership.role_changed",
            object_ref=user_public_id,
            company=company,
            note=f"{before} to {role}",
        )
    return membership


def remove_member(*, company: Company, user_public_id: str, actor: User) -> None:
    """Take a member out of a company; they keep their login.

    Raises:
        NotFoundError: not a member of this company.
        LastOwnerError: the only owner would leave.
    """
    with transaction.atomic():
        membership = _locked_membership(company, user_public_id)
        if membership.role == Role.OWNER and _owner_count(company) == 1:
            raise LastOwnerError
        membership.delete()
        audit.record_event(
            actor=actor, action="membership.removed", object_ref=user_public_id, company=company
        )


def update_company(*, company: Company, name: str, retention_days: int, actor: User) -> Company:
    """Change a company's name and how long it keeps what people said (days)."""
    with transaction.atomic():
        Company.objects.filter(pk=company.pk).update(name=name, retention_days=retention_days)
        audit.record_event(
            actor=actor,
            action="company.changed",
            object_ref=company.public_id,
            company=company,
            note=f"retention {retention_days} days",
        )
    company.refresh_from_db()
    return company


def rotate_identity_secret(*, company: Company, actor: User) -> None:
    """Give the company a new identity secret; users signed with the old one are refused at once."""
    with transaction.atomic():
        Company.objects.filter(pk=company.pk).update(
            identity_secret_version=F("identity_secret_version") + 1
        )
        audit.record_event(
            actor=actor,
            action="identity_secret.rotated",
            object_ref=company.public_id,
            company=company,
        )
    company.refresh_from_db(fields=["identity_secret_version"])
