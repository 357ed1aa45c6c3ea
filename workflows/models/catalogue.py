"""What people are guided through: the workflow and its frozen versions. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.db import models

from accounts.models import Plan

WRITTEN_IN: Final = "en"
"""The language of the catalogue file, and what is read where a translation is missing."""


@dataclass(frozen=True, slots=True)
class Guide:
    """The words of a version in one language."""

    language: str
    title: str
    description: str
    steps: list[dict[str, Any]]
    """As those of the version: translated, with the version's own ``required``."""


class Workflow(models.Model):
    """One entry of the catalogue. Title, description and steps live in its versions."""

    name = models.SlugField(max_length=64, unique=True)
    """How the API and the catalogue file call it, such as ``resume_generator``."""
    tier = models.CharField(max_length=16, choices=Plan.choices, default=Plan.STARTER)
    """The lowest plan that may start it."""
    position = models.PositiveSmallIntegerField(default=0)
    """Its place in the catalogue file."""
    is_active = models.BooleanField(default=True)
    """False once the catalogue file no longer names it: nobody starts it, runs go on."""
    current_version = models.ForeignKey(
        "WorkflowVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    feedback_survey = models.ForeignKey(
        "surveys.Survey", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """The paid interview offered to those who finish. An owner with the right to change workflows
    links it in the console, an administrator in the admin."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class WorkflowVersion(models.Model):
    """The text of a workflow as somebody runs it. Never changed once written."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    description = models.TextField()
    steps: models.JSONField[list[dict[str, Any]], list[dict[str, Any]]] = models.JSONField()
    """List of objects with number, title, description, tips, estimated_time, required; in order,
    numbered from 1. Checked by `workflows.catalogue_file` before anything is stored."""
    translations: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, db_default={}, blank=True
    )
    """By language code: title, description and steps (without required), checked alike."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["workflow", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_id} v{self.number}"

    def guide(self, language: str) -> Guide:
        """Return its words in a language; in English where it was not translated."""
        words = self.translations.get(language)
        if words is None:
            return Guide(WRITTEN_IN, self.title, self.description, self.steps)
        steps = [{**own, **said} for own, said in zip(self.steps, words["steps"], strict=True)]
        return Guide(language, words["title"], words["description"], steps)

    @property
    def total_steps(self) -> int:
        return len(self.steps)

    @property
    def required_steps(self) -> frozenset[int]:
        """Numbers of the steps a run cannot be completed without."""
        return frozenset(int(step["number"]) for step in self.steps if step["required"])
