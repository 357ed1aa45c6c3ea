from __future__ import annotations

import copy
import io
import json

import pytest
from django.core.management import CommandError, call_command

from core.models import AuditEvent
from workflows.catalogue_file import CATALOGUE_FILE, CatalogueRefusedError, read_catalogue
from workflows.listeners import follow_migration
from workflows.models import Workflow, WorkflowVersion
from workflows.services.catalogue import load_workflows
from workflows.tests.builders import STARTER, fresh, make_execution, starter_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(tmp_path):
    """Return a function that writes the shipped catalogue, changed, to a file."""
    shipped = json.loads(CATALOGUE_FILE.read_text(encoding="utf-8"))

    def write(change=lambda document: None):
        document = copy.deepcopy(shipped)
        change(document)
        path = tmp_path / "workflows.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


def rows():
    return (
        list(Workflow.objects.order_by("pk").values()),
        list(WorkflowVersion.objects.order_by("pk").values()),
    )


def test_the_shipped_file_holds_the_three_workflows_of_the_product():
    found = {one.name: one for one in read_catalogue()}

    assert {name: (len(one.steps), one.tier) for name, one in found.items()} == {
        "resume_generator": (5, "starter"),
        "whatsapp_bot": (4, "pro"),
        "prompt_selling": (6, "scale"),
    }


def test_every_workflow_of_the_file_says_what_it_is():
    for one in read_catalogue():
        assert one.title.strip()
        assert len(one.description) > 40


def test_every_step_of_the_file_has_content():
    for one in read_catalogue():
        for index, step in enumerate(one.steps, start=1):
            assert step["number"] == index
            assert len(step["description"]) > 100
            assert len(step["tips"]) > 60
            assert step["title"]
            assert step["estimated_time"].split()[0].isdigit()


def test_migrating_loads_the_catalogue():
    assert list(Workflow.objects.values_list("name", flat=True)) == [
        "resume_generator",
        "whatsapp_bot",
        "prompt_selling",
    ]


def test_loading_the_same_file_again_changes_nothing():
    before = rows()

    report = load_workflows()

    assert report.unchanged == ["resume_generator", "whatsapp_bot", "prompt_selling"]
    assert rows() == before


def test_new_words_open_a_new_version_and_a_run_keeps_its_own(catalogue, ana):
    execution = make_execution(ana)

    def change(document):
        document["workflows"][STARTER]["steps"][0]["title"] = "Another beginning"

    report = load_workflows(path=catalogue(change), actor=ana)

    workflow = starter_workflow()
    assert report.changed == [STARTER]
    assert workflow.current_version.number == 2
    assert workflow.current_version.steps[0]["title"] == "Another beginning"
    assert fresh(execution).version.number == 1
    assert fresh(execution).version.steps[0]["title"] == "Gather your facts"
    assert make_execution(ana).version.number == 2
    assert AuditEvent.objects.filter(action="workflows.loaded", actor=ana.public_id).count() == 1


def test_what_the_file_no_longer_names_is_retired_and_comes_back(catalogue, ana):
    execution = make_execution(ana)

    report = load_workflows(path=catalogue(lambda document: document["workflows"].pop(STARTER)))

    assert report.retired == [STARTER]
    assert not starter_workflow().is_active
    assert fresh(execution).version.number == 1
    assert STARTER in load_workflows().changed
    assert starter_workflow().is_active
    assert starter_workflow().current_version.number == 1


@pytest.mark.parametrize(
    ("change", "where", "why"),
    [
        (
            lambda d: d["workflows"][STARTER]["steps"][2].pop("tips"),
            "workflows.resume_generator.steps[2]",
            "tips",
        ),
        (
            lambda d: d["workflows"][STARTER].update(tier="gold"),
            "workflows.resume_generator.tier",
            "gold",
        ),
        (
            lambda d: d["workflows"][STARTER].update(total_steps=4),
            "workflows.resume_generator.total_steps",
            "there are 5",
        ),
        (
            lambda d: d["workflows"][STARTER]["steps"][1].update(number=7),
            "workflows.resume_generator.steps[1].number",
            "must be 2",
        ),
        (
            lambda d: d["workflows"][STARTER]["steps"][0].update(title="  "),
            "workflows.resume_generator.steps[0].title",
            "match",
        ),
        (
            lambda d: d["workflows"][STARTER]["steps"][0].update(estimated_time="soon"),
            "workflows.resume_generator.steps[0].estimated_time",
            "soon",
        ),
        (
            lambda d: d["workflows"].update({"Bad Name": d["workflows"][STARTER]}),
            "workflows",
            "Bad Name",
        ),
        (lambda d: d.pop("workflows"), "the file", "workflows"),
        (
            lambda d: [s.update(required=False) for s in d["workflows"][STARTER]["steps"]],
            "workflows.resume_generator.steps",
            "required",
        ),
    ],
)
def test_a_broken_file_is_refused_with_the_place_and_changes_nothing(catalogue, change, where, why):
    before = rows()

    with pytest.raises(CatalogueRefusedError) as refused:
        load_workflows(path=catalogue(change))

    assert [fault.place for fault in refused.value.faults] == [where]
    assert why in refused.value.faults[0].reason
    assert rows() == before


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{"workflows": {\n  "a": }', "workflows.json, line 2, column 8"),
        (b'{"workflows": {}, "workflows": {}}', "workflows"),
        (b"\xff\xfe", "workflows.json, byte 0"),
        (b"[" * 100_000, "workflows.json"),
        (b"", "workflows.json, line 1, column 1"),
    ],
)
def test_what_is_no_json_is_refused_with_the_place(tmp_path, raw, place):
    path = tmp_path / "workflows.json"
    path.write_bytes(raw)

    with pytest.raises(CatalogueRefusedError) as refused:
        read_catalogue(path)

    assert refused.value.faults[0].place == place


def test_the_command_loads_checks_and_names_what_is_wrong(catalogue, tmp_path):
    out = io.StringIO()
    call_command("load_workflows", stdout=out)
    call_command("load_workflows", "--check", stdout=out)

    assert "unchanged: resume_generator, whatsapp_bot, prompt_selling" in out.getvalue()
    assert "3 workflows, all well formed." in out.getvalue()
    with pytest.raises(CommandError, match=r"stays as it was:\n  .*tier: 'gold'"):
        call_command(
            "load_workflows",
            str(catalogue(lambda d: d["workflows"][STARTER].update(tier="gold"))),
        )
    with pytest.raises(CommandError, match="No such file"):
        call_command("load_workflows", str(tmp_path / "none.json"))


def test_a_broken_file_does_not_stop_a_migration(monkeypatch, catalogue, caplog):
    path = catalogue(lambda d: d.pop("workflows"))
    before = rows()

    def load_broken(**_):
        return load_workflows(path=path)

    monkeypatch.setattr("workflows.services.catalogue.load_workflows", load_broken)
    follow_migration(using="default")

    assert "workflows.catalogue_refused" in caplog.messages
    assert rows() == before


def test_a_person_sees_the_catalogue_with_what_is_locked(ana, api_of):
    execution = make_execution(ana)

    found = api_of(ana).get("/api/workflows").json()

    assert [(one["name"], one["tier"], one["is_unlocked"]) for one in found] == [
        ("resume_generator", "starter", True),
        ("whatsapp_bot", "pro", False),
        ("prompt_selling", "scale", False),
    ]
    assert found[0]["open_execution_id"] == execution.public_id
    assert found[0]["total_steps"] == len(found[0]["steps"]) == 5


def test_nobody_sees_the_catalogue_without_signing_in(api):
    answer = api.get("/api/workflows")

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
