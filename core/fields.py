"""Model fields every app uses. Knows no model."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import models

from core.ids import BODY_LENGTH, new_id

if TYPE_CHECKING:
    # Only the stubs' field takes parameters; they make a read attribute a `str`.
    _TextField = models.CharField[str, str]
else:
    _TextField = models.CharField


class PublicIdField(_TextField):
    """The identifier a row shows to the outside, made when the row is made.

    Args:
        prefix: what stands before the underscore, `survey` for ``survey_…``.
    """

    def __init__(self, *args: Any, prefix: str = "id", **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs.setdefault("max_length", len(prefix) + 1 + BODY_LENGTH)
        kwargs["unique"] = True
        kwargs["editable"] = False
        kwargs["default"] = partial(new_id, prefix)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Leave out what the prefix decides, so that migrations stay short."""
        name, path, args, kwargs = super().deconstruct()
        for decided in ("default", "unique", "editable", "max_length"):
            kwargs.pop(decided, None)
        kwargs["prefix"] = self.prefix
        return name, path, list(args), kwargs
