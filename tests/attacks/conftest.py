"""The world of the attacks: Ana's company with one row of everything."""

from __future__ import annotations

import pytest

from accounts.models import Company, User
from tests.tenants_world import World, make_world


@pytest.fixture
def world(ana: User, acme: Company, beto: User) -> World:
    """Return Ana's rows by the route arguments that point at them."""
    return make_world(ana, acme, beto)
