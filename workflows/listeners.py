"""What this app does when something happens elsewhere."""

from __future__ import annotations

import logging
from typing import Any

from django.db import connections

logger = logging.getLogger(__name__)


def follow_migration(*, using: str, **kwargs: Any) -> None:
    """Load the catalogue after migrating: the file belongs to the release as the tables do.

    A broken file is logged and leaves the last good version; it must not stop a migration.
    """
    from workflows.catalogue_file import CatalogueRefusedError
    from workflows.models import Workflow
    from workflows.services.catalogue import load_workflows

    if using != "default" or (
        # Migrated back to before there were workflows.
        Workflow._meta.db_table not in connections[using].introspection.table_names()
    ):
        return
    try:
        load_workflows(actor=None)
    except CatalogueRefusedError as error:
        logger.error("workflows.catalogue_refused", extra={"faults": len(error.faults)})
