"""People and companies for tests. Who they are, the fixtures of the root conftest say."""

from __future__ import annotations

from itertools import count

from accounts.models import Company, CompanyKey, Membership, Profile, Role, User
from accounts.services.api_keys import create_api_key

PASSWORD = "correct-horse-battery-7"
_numbers = count(1)


def make_user(email: str = "", *, full_name: str = "", password: str = PASSWORD) -> User:
    """Create a person with a profile."""
    user = User.objects.create_user(
        email or f"person{next(_numbers)}@example.test", password, full_name=full_name
    )
    Profile.objects.get_or_create(user=user)
    return user


def make_company(
    name: str = "", *, owner: User | None = None, is_demo: bool = True, slug: str = ""
) -> Company:
    """Create a company, with an owner when one is given."""
    number = next(_numbers)
    company = Company.objects.create(
        name=name or f"Company {number}",
        slug=slug or f"{(name or 'company').lower().replace(' ', '-')}-{number}",
        is_demo=is_demo,
    )
    if owner is not None:
        add_member(company, owner, Role.OWNER)
    return company


def add_member(company: Company, user: User, role: Role = Role.MEMBER) -> Membership:
    """Give a person a role in a company."""
    return Membership.objects.create(company=company, user=user, role=role)


def make_key(company: Company, *, name: str = "test key") -> tuple[CompanyKey, str]:
    """Create a company key; the second value is what to send."""
    created = create_api_key(company=company, name=name)
    return created.row, created.plain
