"""People, companies and the keys that act for them. Knows no survey and no conversation."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from core.fields import PublicIdField


class Plan(models.TextChoices):
    """What a person pays for; the workflows app says what each allows."""

    STARTER = "starter", "Starter"
    PRO = "pro", "Pro"
    SCALE = "scale", "Scale"


class UserManager(BaseUserManager["User"]):
    """Create people who sign in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> User:
        """Create a person; without a password nobody can sign in until one is set.

        Raises:
            ValueError: the address is empty.
        """
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email: str | None) -> User:
        """Return who signs in with an address, however it is capitalised."""
        return self.get(email=(email or "").lower())

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> User:
        """Create an administrator; ``manage.py createsuperuser`` calls it."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person with a login; the e-mail address is the user name."""

    public_id = PublicIdField(prefix="user")
    email = models.EmailField("e-mail address", unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("administrator", default=False)
    """May sign in to the admin."""
    joined_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def display_name(self) -> str:
        """What others read: the name, or the address up to its @."""
        return self.full_name or self.email.partition("@")[0]

    def get_full_name(self) -> str:
        """What Django's own pages call the person."""
        return self.display_name

    def get_short_name(self) -> str:
        """As ``get_full_name``."""
        return self.display_name


class Market(models.Model):
    """Closed list of markets a person may belong to, edited by administrators."""

    slug = models.SlugField(unique=True)
    label = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "slug"]

    def __str__(self) -> str:
        return self.label


class SkillLevel(models.Model):
    """Closed list of skill levels, edited by administrators."""

    slug = models.SlugField(unique=True)
    label = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "slug"]

    def __str__(self) -> str:
        return self.label


class Profile(models.Model):
    """Who a person says they are, for matching; and their plan."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, null=True, blank=True)
    skill_level = models.ForeignKey(SkillLevel, on_delete=models.PROTECT, null=True, blank=True)
    language = models.CharField(max_length=8, default="en")
    plan = models.CharField(max_length=16, choices=Plan.choices, default=Plan.STARTER)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class Company(models.Model):
    """A tenant. Everything a company owns hangs from here."""

    public_id = PublicIdField(prefix="company")
    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    retention_days = models.PositiveIntegerField(default=365)
    identity_secret_version = models.PositiveIntegerField(default=1)
    """Raised to make every identity HMAC signed so far worthless (see surveys.identity)."""
    is_demo = models.BooleanField(default=False)
    """Demo companies hold play money, and every page says so."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person may do in a company.

    Owners everything; members surveys, sessions and review; operators the inbox.
    """

    OWNER = "owner", "Owner"
    MEMBER = "member", "Member"
    OPERATOR = "operator", "Operator"


class Membership(models.Model):
    """A person's role in a company."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["company", "user"], name="membership_once_a_company"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.company_id}"


class Invitation(models.Model):
    """An offer to join a company, sent by e-mail; the token itself is never stored."""

    public_id = PublicIdField(prefix="invite")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    token_digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.public_id


class CompanyKey(models.Model):
    """A company's secret API key, ``sk_…``: 256 random bits, stored as SHA-256, shown once.

    Several may be active at once, which is how a key is rotated without a gap.
    """

    public_id = PublicIdField(prefix="key")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    """The first characters, to tell keys apart on a page."""
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"


class ErasureRequest(models.Model):
    """A person's wish to be erased, from the press of the button until nothing is left of them.

    The account is closed in the transaction that writes this row; a job erases the rest, in all
    apps, and comes back to the row until that is done.
    """

    public_id = PublicIdField(prefix="erasure")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="erasure_requests")
    requested_by = models.CharField(max_length=120)
    """Public id of who asked: the person, or an administrator's command as ``system``."""
    gives_up_credit = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_index=True)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(finished_at__isnull=True),
                name="erasure_request_one_open",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
