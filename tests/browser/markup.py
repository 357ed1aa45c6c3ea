"""Plants markup everywhere somebody may write, for the tests that it stays text.

    python -m tests.browser.markup

Runs in a process of its own with the server's environment; prints where the rows are.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

ADMINISTRATOR = "adan@parley.test"
#: Each would run, load or break out of something if a page took it for markup.
CORPUS = (
    "<script>window.pwned=1;alert(1)</script>",
    '"\'><img src=x onerror="window.pwned=2">',
    "<svg/onload=window.pwned=3>",
    "[open](javascript:window.pwned=4) javascript:window.pwned=4//",
    '{{7*7}} ${7*7} {% now "Y" %} <%=7*7%> window.pwned=5',
    "</textarea></title></script><script>window.pwned=6</script>",
    '--><iframe srcdoc="<script>parent.pwned=7</script>">',
    # The next two become markup when hidden characters are taken out.
    "<scr\u200bipt>window.pwned=8</scr\u2060ipt>",
    "\u202e<im\u00adg src=x onerror=window.pwned=9>",
    "＜script＞window.pwned=10＜/script＞ \\u003cscript\\u003e &lt;b&gt;",
    "<a href=javascript:window.pwned=11 autofocus onfocus=window.pwned=11>",
    "<details open ontoggle=window.pwned=12>",
    "<base href=//evil.test/><meta http-equiv=refresh content=0>pwned",
)


def fitting(length: int, first: int = 0) -> str:
    """Return as much of the corpus as a field holds, beginning with one of it."""
    text = ""
    for one in (*CORPUS[first:], *CORPUS[:first]):
        if len(f"{text} {one}") <= length:
            text = f"{text} {one}".strip()
    return text


ALL = fitting(4000)
#: Without hidden characters, which would hold an answer back and leave it out of findings.
SEEN = " ".join(one for one in CORPUS if one.isprintable())
TITLE = fitting(200)
NAME = fitting(120, 1)
UNIT = "<svg onload=pwned=1>"
FILE_NAME = "<img src=x onerror=pwned>.pdf"


def _contacts() -> tuple[str, ...]:
    """Return the corpus in as few names of phones as hold it."""
    names = [""]
    for one in CORPUS:
        joined = f"{names[-1]} {one}".strip()
        names = [*names[:-1], joined] if len(joined) <= 80 else [*names, one]
    return tuple(names)


CONTACTS = _contacts()


def seed() -> dict[str, Any]:
    """Make Acme, its shop and people as for the other tests, and plant."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from rest_framework.test import APIClient

    from accounts.models import Company, User
    from messaging.models import BusinessNumber
    from messaging.services import simulation
    from sessions.models import SessionMode
    from sessions.services import chats, conversations, turns
    from surveys.models import InsightReport, Survey, Theme
    from surveys.services.insights import refresh_insights
    from surveys.tests.builders import ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS, Visitor, make_survey
    from tests.browser import shop, world
    from workflows.selectors.catalogue import workflow_for
    from workflows.services.executions import start_execution
    from workflows.services.outcomes import log_outcome, read_measure
    from workflows.services.progress import Change, save_progress
    from workflows.tests.builders import pdf_bytes

    key = world.seed()["key"]
    shop.seed()
    company = Company.objects.get(name="Acme")
    ana = User.objects.get(email="ana@acme.test")
    User.objects.create_superuser(ADMINISTRATOR, shop.PASSWORD, full_name=NAME)
    User.objects.filter(pk=ana.pk).update(full_name=NAME)
    ana.refresh_from_db()

    def plant_survey() -> Survey:
        asked = [{"text": f"{ALL} {number}", "max_probes": 0} for number in (1, 2)]
        return make_survey(company, title=TITLE, description=ALL, objective=ALL, questions=asked)

    def answer(survey: Survey, words: tuple[str, ...], *, ends: bool = True) -> Visitor:
        visitor = Visitor(survey, client=APIClient(SERVER_NAME="127.0.0.1"))
        visitor.start(attributes={"plan": fitting(100, 1)})
        visitor.talk(words)
        if ends:
            visitor.done()
        return visitor

    survey = plant_survey()
    held = answer(survey, (f"{ANSWERS[0]} {ALL}", ANSWERS[1]))
    held.call("post", "appeal", held.started["receipt_token"], {"text": ALL})
    for first, second in (OTHER_ANSWERS, THIRD_ANSWERS):
        answer(survey, (f"{first} {SEEN}", second))
    running = answer(survey, (ALL,), ends=False)
    refresh_insights(survey=survey)
    # As if a model had repeated what it read.
    InsightReport.objects.filter(survey=survey).update(
        key_insights=[SEEN, SEEN], refresh_due_at=None
    )
    assert InsightReport.objects.filter(survey=survey, sessions_used=2).exists()
    Theme.objects.filter(survey=survey).update(label=TITLE)

    chat = chats.start_chat(owner=ana, address="127.0.0.1", mode=SessionMode.TEXT).session
    conversations.open_conversation(voice_session=chat)
    turns.say(voice_session=chat, text=ALL, client_id="turn-1")

    execution = start_execution(person=ana, workflow=workflow_for(ana, "resume_generator"))
    save_progress(execution=execution, change=Change(step_notes={1: ALL, 2: ALL}))
    log_outcome(
        person=ana,
        execution=execution,
        measure=read_measure(metric_type="custom", value="1", currency=UNIT),
        upload=SimpleUploadedFile(FILE_NAME, pdf_bytes()),
    )

    number = BusinessNumber.objects.get(company=company)
    phones = [simulation.add_phone(number=number, name=name) for name in CONTACTS]
    Company.objects.filter(pk=company.pk).update(name=NAME)
    return {
        "key": key,
        "survey": survey.public_id,
        "held": held.session_id,
        "running": running.session_id,
        "running_token": running.started["session_token"],
        "chat": chat.public_id,
        "execution": execution.public_id,
        "phones": [phone.public_id for phone in phones],
        "admin": admin_paths(),
    }


def admin_paths() -> list[str]:
    """Return list and page of one row of every registered table the markup has got into."""
    from django.contrib import admin
    from django.urls import reverse

    paths = []
    for model in admin.site._registry:
        for row in model._default_manager.order_by("-pk")[:50]:
            values = row.__dict__.values()
            if any("pwned" in str(value) for value in values):
                name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
                paths += [reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])]
                break
    return paths


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(seed()))
