"""The event types of surveys, as companies choose them and the documents describe them."""

from __future__ import annotations

from webhooks.events import EventType

SESSION_COMPLETED = EventType(
    name="session.completed",
    label="Session completed",
    summary="Somebody pressed Done (or the time was up) and the answer has its score.",
    example={
        "session_id": "session_06d2p3k8w4q9z5x7c1v0b6n2m8",
        "survey_id": "survey_06d2p3k8w4q9z5x7c1v0b6n2m8",
        "survey_version": 1,
        "language": "en",
        "channel": "typing",
        "score": 85,
        "band": 85,
        "flags": [],
        "payment_amount": 15.5,
        "currency": "USD",
        "payment_status": "success",
        "transaction_id": "txn_session_06d2p3k8w4q9z5x7c1v0b6n2m8_1780000000",
        "completed_at": "2026-11-28T10:00:00.000Z",
    },
)
SESSION_ERASED = EventType(
    name="session.erased",
    label="Session erased",
    summary="What was said and scored is erased, by the person or by retention: erase it as well.",
    example={
        "session_id": "session_06d2p3k8w4q9z5x7c1v0b6n2m8",
        "survey_id": "survey_06d2p3k8w4q9z5x7c1v0b6n2m8",
        "erased_at": "2026-11-28T10:00:00.000Z",
    },
)
PAYOUT_CHANGED = EventType(
    name="payout.changed",
    label="Payout changed",
    summary="A payout was made, held, approved, paid, refused, called off, or taken back.",
    example={
        "payout_id": "payout_06d2p3k8w4q9z5x7c1v0b6n2m8",
        "session_id": "session_06d2p3k8w4q9z5x7c1v0b6n2m8",
        "survey_id": "survey_06d2p3k8w4q9z5x7c1v0b6n2m8",
        "transaction_id": "txn_session_06d2p3k8w4q9z5x7c1v0b6n2m8_1780000000",
        "state": "paid",
        "payment_status": "success",
        "amount": 15.5,
        "currency": "USD",
        "hold_reasons": [],
        "changed_at": "2026-11-28T10:00:00.000Z",
    },
)
