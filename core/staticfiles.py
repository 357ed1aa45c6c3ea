"""Static files with a hash of their content in the name, JavaScript modules included."""

from __future__ import annotations

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # library without types
    """Rewrites the imports of modules too, so that every file of a page may be kept for ever.

    The widget's folder is left as it is: its modules are served under one version of their own
    (see `surveys.views.widget`) and import each other by names that hold there.
    """

    support_js_module_import_aggregation = True
    unhashed = ("widget/",)

    def url_converter(self, name: str, hashed_files: Any, template: Any = None) -> Any:
        """Return how a matched import is rewritten; in the folders left alone, not at all."""
        if name.startswith(self.unhashed):
            return lambda match: match.group()
        return super().url_converter(name, hashed_files, template)
