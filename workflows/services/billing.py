"""Buying, activating and giving up a plan. The only place that changes `Profile.plan`.

Outside calls never happen inside a transaction: a purchase is a row before its page is opened, and
a subscription that has to be cancelled is a row with a due date before the provider is told.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Plan, Profile, User
from core import audit, clock, lease
from core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from core.jobs import nudge
from workflows.billing import factory
from workflows.billing.base import (
    BillingError,
    BillingNotice,
    NoticeKind,
    PermanentBillingError,
    PlanOrder,
)
from workflows.models import BillingEvent, PlanPurchase, PurchaseState
from workflows.plans import CURRENCY, PLANS

logger = logging.getLogger(__name__)

CANCEL_JOB = "workflows.cancel_subscriptions"
CANCEL_LEASE_SECONDS = 60
MAX_BACKOFF_SECONDS = 3600


def open_purchase(*, person: User, plan: Plan) -> tuple[PlanPurchase, str]:
    """Begin to buy a plan.

    Returns:
        The purchase and the address of the page it is paid on.

    Raises:
        InvalidInputError: the plan costs nothing; choose it with `choose_free_plan`.
        ConflictError: the person has it already.
        UnavailableError: the provider cannot be reached; nothing is bought.
    """
    terms = PLANS[plan]
    if not terms.price_minor:
        raise InvalidInputError("plan_is_free", "This plan costs nothing; just choose it.")
    if _active_of(person, plan) is not None:
        raise ConflictError("plan_active", f"You are on the {plan.label} plan already.")
    provider = factory.get_provider(factory.default_provider())
    purchase = PlanPurchase.objects.create(
        person=person,
        plan=plan,
        amount_minor=terms.price_minor,
        currency=CURRENCY,
        provider=provider.name,
        created_at=clock.now(),
    )
    try:
        page = provider.open_checkout(
            PlanOrder(
                reference=purchase.public_id,
                plan_name=f"Parley {plan.label}",
                amount_minor=terms.price_minor,
                currency=CURRENCY,
                email=person.email,
                return_url=f"{settings.SITE_URL}/upgrade/",
            )
        )
    except BillingError as error:
        logger.warning(
            "billing.checkout_failed", extra={"code": error.code, "provider": provider.name}
        )
        PlanPurchase.objects.filter(pk=purchase.pk, state=PurchaseState.OPEN).update(
            state=PurchaseState.EXPIRED
        )
        raise UnavailableError(
            30,
            code="billing_unavailable",
            detail="The payment page cannot be opened right now. Nothing was charged; try again.",
        ) from error
    PlanPurchase.objects.filter(pk=purchase.pk).update(checkout_reference=page.reference)
    purchase.checkout_reference = page.reference
    return purchase, page.url


def purchase_of(*, person: User, purchase_id: str) -> PlanPurchase:
    """Return a purchase of a person.

    Raises:
        NotFoundError: there is none, or it is somebody else's; the two read the same.
    """
    row = PlanPurchase.objects.filter(person=person, public_id=purchase_id).first()
    if row is None:
        raise NotFoundError("purchase_not_found", "You have no purchase with this id.")
    return row


def pay_locally(*, person: User, purchase_id: str) -> PlanPurchase:
    """Pay a purchase with play money. Paying twice is paying once.

    Raises:
        NotFoundError: it is not the person's, or not paid with play money.
        ConflictError: it ended.
    """
    purchase = purchase_of(person=person, purchase_id=purchase_id)
    if purchase.provider != factory.LOCAL:
        raise NotFoundError("purchase_not_found", "You have no purchase with this id.")
    return _activate(purchase.pk, subscription_reference="")


def choose_free_plan(*, person: User) -> Plan:
    """Go back to the free plan at once; runs that were started go on. Twice is as once."""
    with transaction.atomic():
        profile, _ = Profile.objects.select_for_update(of=("self",)).get_or_create(user=person)
        for purchase in PlanPurchase.objects.select_for_update(of=("self",)).filter(
            person=person, state=PurchaseState.ACTIVE
        ):
            _end(purchase)
        _set_plan(profile, Plan.STARTER, actor=person.public_id)
    nudge(CANCEL_JOB)
    return Plan.STARTER


def take_notice(*, provider: str, notice: BillingNotice) -> str:
    """Act upon a verified message, once, however often it comes.

    Returns:
        What came of it, such as ``activated``, ``ended``, ``repeated`` or ``unknown_purchase``.
    """
    with transaction.atomic():
        event, is_new = BillingEvent.objects.get_or_create(
            provider=provider,
            event_id=notice.event_id[:120],
            defaults={
                "kind": notice.event_type[:80],
                "body": {"purchase": notice.reference, "means": str(notice.kind)},
                "received_at": clock.now(),
            },
        )
        if not is_new:
            return "repeated"
        event.result = _act(provider, notice)
        event.save(update_fields=["result"])
    if event.result not in ("activated", "ended", "expired", "ignored"):
        logger.warning(
            "billing.notice_unused", extra={"event_id": event.event_id, "result": event.result}
        )
    nudge(CANCEL_JOB)
    return event.result


def cancel_due(*, limit: int = 50) -> int:
    """Tell providers about subscriptions that ended here.

    Returns:
        How many were told. A provider that is down is asked again later; safe to run twice.
    """
    told = 0
    due = PlanPurchase.objects.filter(cancel_due_at__lte=clock.now()).order_by("cancel_due_at")
    for purchase in due[:limit]:
        fence = lease.claim(
            PlanPurchase.objects.filter(pk=purchase.pk, cancel_due_at__isnull=False),
            owner=uuid.uuid4().hex,
            seconds=CANCEL_LEASE_SECONDS,
        )
        if fence is not None and _cancel(purchase, fence):
            told += 1
    return told


def _cancel(purchase: PlanPurchase, fence: int) -> bool:
    held = PlanPurchase.objects.filter(pk=purchase.pk, fence=fence)
    try:
        factory.get_provider(purchase.provider).cancel(purchase.subscription_reference)
    except PermanentBillingError as error:
        # Nothing to repeat; a person has to look at it, and the customer must not be charged.
        logger.error("billing.cancel_refused", extra={"id": purchase.public_id, "code": error.code})
        audit.record_event(
            actor="system", action="plan.cancel_refused", object_ref=purchase, note=error.code
        )
        held.update(cancel_due_at=None, leased_until=None)
        return False
    except BillingError as error:
        attempts = purchase.cancel_attempts + 1
        wait = min(MAX_BACKOFF_SECONDS, 2**attempts)
        logger.warning("billing.cancel_postponed", extra={"code": error.code})
        held.update(
            cancel_attempts=attempts,
            cancel_due_at=clock.now() + timedelta(seconds=wait),
            leased_until=None,
        )
        return False
    held.update(cancel_due_at=None, leased_until=None)
    return True


def _act(provider: str, notice: BillingNotice) -> str:
    if notice.kind == NoticeKind.OTHER:
        return "ignored"
    found = PlanPurchase.objects.filter(provider=provider)
    if notice.reference:
        row = found.filter(public_id=notice.reference).first()
    elif notice.subscription_reference:
        row = found.filter(subscription_reference=notice.subscription_reference).first()
    else:
        row = None
    if row is None:
        return "unknown_purchase"
    if row.checkout_reference and notice.checkout_reference not in ("", row.checkout_reference):
        return "foreign_checkout"
    if notice.kind == NoticeKind.PAID:
        if (notice.amount_minor, notice.currency) != (row.amount_minor, row.currency):
            return "other_amount"
        if row.state == PurchaseState.ENDED:
            return "ended_before"
        _activate(row.pk, subscription_reference=notice.subscription_reference)
        return "activated"
    if notice.kind == NoticeKind.EXPIRED:
        PlanPurchase.objects.filter(pk=row.pk, state=PurchaseState.OPEN).update(
            state=PurchaseState.EXPIRED
        )
        return "expired"
    return _end_by_provider(row, notice)


def _end_by_provider(row: PlanPurchase, notice: BillingNotice) -> str:
    if row.subscription_reference not in ("", notice.subscription_reference):
        return "foreign_subscription"
    profile = Profile.objects.select_for_update(of=("self",)).get(user_id=row.person_id)
    purchase = PlanPurchase.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if purchase.state == PurchaseState.ACTIVE:
        _end(purchase, is_known_to_provider=True)
        _set_plan(profile, Plan.STARTER, actor="system")
    elif purchase.state in (PurchaseState.OPEN, PurchaseState.EXPIRED):
        # The end overtook the payment: what comes later must not switch it on.
        purchase.state = PurchaseState.ENDED
        purchase.ended_at = clock.now()
        purchase.subscription_reference = notice.subscription_reference
        purchase.save(update_fields=["state", "ended_at", "subscription_reference"])
    return "ended"


def _activate(purchase_pk: int, *, subscription_reference: str) -> PlanPurchase:
    with transaction.atomic():
        # The profile first, always: two payments of one person wait for each other here.
        person_id = PlanPurchase.objects.values_list("person_id", flat=True).get(pk=purchase_pk)
        profile, _ = Profile.objects.select_for_update(of=("self",)).get_or_create(
            user_id=person_id
        )
        purchase = PlanPurchase.objects.select_for_update(of=("self",)).get(pk=purchase_pk)
        if purchase.state == PurchaseState.ACTIVE:
            return purchase
        if not purchase.may_become(PurchaseState.ACTIVE):
            raise ConflictError("purchase_ended", "This purchase has ended. Choose a plan again.")
        for earlier in PlanPurchase.objects.select_for_update(of=("self",)).filter(
            person_id=person_id, state=PurchaseState.ACTIVE
        ):
            _end(earlier)
        purchase.state = PurchaseState.ACTIVE
        purchase.paid_at = clock.now()
        purchase.subscription_reference = subscription_reference
        purchase.save(update_fields=["state", "paid_at", "subscription_reference"])
        _set_plan(profile, Plan(purchase.plan), actor=profile.user.public_id)
    return purchase


def _end(purchase: PlanPurchase, *, is_known_to_provider: bool = False) -> None:
    now = clock.now()
    purchase.state = PurchaseState.ENDED
    purchase.ended_at = now
    if purchase.subscription_reference and not is_known_to_provider:
        purchase.cancel_due_at = now
    purchase.save(update_fields=["state", "ended_at", "cancel_due_at"])


def _set_plan(profile: Profile, plan: Plan, *, actor: str) -> None:
    if profile.plan == plan:
        return
    before, profile.plan = profile.plan, plan
    profile.save(update_fields=["plan", "updated_at"])
    audit.record_event(
        actor=actor,
        action="plan.changed",
        object_ref=profile.user.public_id,
        note=f"{before} to {plan}",
    )


def _active_of(person: User, plan: Plan) -> PlanPurchase | None:
    return PlanPurchase.objects.filter(person=person, plan=plan, state=PurchaseState.ACTIVE).first()
