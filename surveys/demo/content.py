"""Names and logins of the demo, which serves this machine alone and holds play money."""

from __future__ import annotations

from dataclasses import dataclass

DEMO_SLUG = "demo"
DEMO_COMPANY = "Kettle & Co (demo)"
DEMO_PASSWORD = "parley-demo-1"  # noqa: S105  # printed for everybody: the demo is loopback only
DEMO_FUNDING_MINOR = 1_000_000
DEMO_CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """Somebody who can sign in to the demo."""

    email: str
    full_name: str
    what_for: str


OWNER = DemoLogin("owner@demo.example", "Olive Owner", "company console, everything")
MEMBER = DemoLogin("member@demo.example", "Max Member", "company console, surveys and review")
OPERATOR = DemoLogin("operator@demo.example", "Otto Operator", "inbox")
ADMINISTRATOR = DemoLogin("admin@demo.example", "Ada Admin", "administration at /admin/")
VISITOR = DemoLogin("visitor@demo.example", "Vera Visitor", "no company: wallet, chat, history")
LOGINS = (OWNER, MEMBER, OPERATOR, ADMINISTRATOR, VISITOR)
