"""Static files as production serves them."""

from __future__ import annotations

import re
from pathlib import Path

from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import FileSystemStorage

from core.staticfiles import HashedStaticFilesStorage

IMPORT = re.compile(r"""(?:^|\n)import [^;]*?["']([^"']+)["'];""")


def test_modules_import_each_other_by_hashed_names_and_the_widget_by_its_own(
    tmp_path: Path,
) -> None:
    storage = HashedStaticFilesStorage(location=str(tmp_path), base_url="/static/")
    paths: dict[str, tuple[FileSystemStorage, str]] = {}
    for finder in get_finders():
        for path, source in finder.list([]):
            if path.startswith(("js/", "widget/")):
                with source.open(path) as content:
                    storage._save(path, content)
                paths[path] = (storage, path)

    failed = [item for item in storage.post_process(paths) if isinstance(item[2], Exception)]

    assert failed == []
    hashed = [
        path for path in (tmp_path / "js").rglob("*.js") if re.search(r"\.\w{12}\.js$", path.name)
    ]
    imported = [(path, name) for path in hashed for name in IMPORT.findall(path.read_text())]
    assert len(imported) > 10
    assert [name for _, name in imported if not re.search(r"\.\w{12}\.js$", name)] == []
    assert [name for path, name in imported if not (path.parent / name).is_file()] == []
    widget = (tmp_path / "widget" / "conversation.js").read_text()
    assert 'from "./connection.js"' in widget
