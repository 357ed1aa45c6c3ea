"""Background jobs of the workflows app. Found by its name; naming the others registers theirs."""

from __future__ import annotations

from workflows import execution_tasks, people_tasks

__all__ = ["execution_tasks", "people_tasks"]
