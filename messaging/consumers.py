"""The inbox's sockets: one for a company's queue, one for a conversation. Only to listen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import Company, Membership
from core.live.consumers import LiveConsumer, in_thread
from core.live.grants import SocketRefusedError, StreamGrant
from core.live.logins import is_login_alive, login_identity
from messaging.models import Conversation
from messaging.services.hand_offs import queue_stream


class InboxConsumer(LiveConsumer):
    """Tells an operator's page that something changed; what, the page reads for itself.

    Nothing anybody wrote crosses this socket: a page that may read it asks over HTTP.
    """

    messages_per_second = 5
    message_burst = 20

    _user_pk: int
    _company_pk: int

    async def authorize(self) -> StreamGrant:
        """Admit people of the company by the login cookie.

        Raises:
            SocketRefusedError: anybody else, and whatever is no conversation of theirs.
        """
        user: Any = self.scope.get("user")
        if self.handshake.bearer_token is not None or user is None or not user.is_authenticated:
            raise SocketRefusedError
        wanted = self.scope["url_route"]["kwargs"].get("conversation_id")
        company_id = None
        session = self.scope.get("session")
        if session is not None:
            company_id = await in_thread(_chosen_company)(session)
        found = await in_thread(_find_stream)(user.pk, company_id, wanted)
        if found is None:
            raise SocketRefusedError
        self._user_pk, self._company_pk = user.pk, found[0]
        return StreamGrant(
            stream=found[1],
            scope="watch",
            identity=login_identity(self.scope, f"operator-{user.pk}"),
            snapshot_key="inbox",
        )

    async def still_allowed(self) -> bool:
        """Tell whether the person is still signed in and works in the company."""
        if not await in_thread(is_login_alive)(self.scope, self._user_pk):
            return False
        return await in_thread(_is_member)(self._user_pk, self._company_pk)

    async def snapshot(self) -> Mapping[str, Any]:
        """Return nothing but the number the stream is at: the page has read the rest."""
        return {}


def _chosen_company(session: Any) -> str | None:
    from accounts.api.permissions import COMPANY_SESSION_KEY

    found: str | None = session.get(COMPANY_SESSION_KEY)
    return found


def _find_stream(
    user_pk: int, company_id: str | None, conversation_id: str | None
) -> tuple[int, str] | None:
    memberships = Membership.objects.filter(user_id=user_pk).select_related("company")
    if conversation_id is None:
        chosen = memberships.filter(company__public_id=company_id) if company_id else memberships
        membership = chosen.order_by("created_at", "pk").first()
        if membership is None:
            return None
        company: Company = membership.company
        return company.pk, queue_stream(company)
    conversation = (
        Conversation.objects.select_related("number")
        .filter(public_id=conversation_id, number__company__in=memberships.values("company"))
        .first()
    )
    if conversation is None:
        return None
    return conversation.number.company_id, conversation.stream_name


def _is_member(user_pk: int, company_pk: int) -> bool:
    return Membership.objects.filter(user_id=user_pk, company_id=company_pk).exists()
