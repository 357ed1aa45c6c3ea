"""Print the state of one dialogue as JSON, from the row and, where it is current, from Redis."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.models import Conversation
from messaging.state.cache import read_state, state_key


class Command(BaseCommand):
    """``manage.py orchestration_session PHONE_ID WA_ID``."""

    help = (
        "Show where a dialogue stands, what people said included: for an operator's own screen. "
        "WA_ID is the person's phone, BSUID or parent BSUID."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the two parts of the key that the dialogue has in Redis."""
        parser.add_argument("phone_id", help="phone_number_id of the business number")
        parser.add_argument("wa_id", help="phone or user id of the person")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the dialogue.

        Raises:
            CommandError: nobody of that name has written to the number.
        """
        conversation = self._find(options["phone_id"], options["wa_id"])
        number, contact = conversation.number, conversation.contact
        cached = read_state(number.phone_number_id, contact.wa_key, version=conversation.version)
        shown = {
            "key": state_key(number.phone_number_id, contact.wa_key),
            "conversation": conversation.public_id,
            "contact": contact.public_id,
            "mode": conversation.mode,
            "version": conversation.version,
            "is_in_redis": cached is not None,
            "lease_held_until": conversation.leased_until,
            "inbox_due_at": conversation.inbox_due_at,
            "state": conversation.state,
        }
        self.stdout.write(json.dumps(shown, indent=2, ensure_ascii=False, default=str))

    @staticmethod
    def _find(phone_id: str, wa_id: str) -> Conversation:
        rows = Conversation.objects.select_related("number", "contact").filter(
            number__phone_number_id=phone_id
        )
        for key in ("phone", "bsuid", "parent_bsuid"):
            value = wa_id.lstrip("+") if key == "phone" else wa_id
            for conversation in rows.filter(**{f"contact__{key}": value}):
                return conversation
        raise CommandError(
            "There is no conversation of that person with that number. Look the number up in "
            "the administration; the person is named as in the webhook, without '+'."
        )
