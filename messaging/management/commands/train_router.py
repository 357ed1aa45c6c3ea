"""``manage.py train_router``: learn the router's weights from the corpus and write them down."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from messaging.router.training import read_corpus, train_weights
from messaging.router.weights import WEIGHTS_FILE

CORPUS = Path(settings.BASE_DIR) / "messaging" / "tests" / "corpora"


class Command(BaseCommand):
    """Make ``messaging/router/weights.json`` anew; the same corpus gives the same file."""

    help = "Learn the weights of the intent router from a corpus of labelled utterances."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take another corpus or another place for the result."""
        parser.add_argument("--corpus", type=Path, default=CORPUS)
        parser.add_argument("--output", type=Path, default=WEIGHTS_FILE)

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, learn, write."""
        utterances = read_corpus(options["corpus"])
        if not utterances:
            raise CommandError(f"There is no utterance in {options['corpus']}.")
        stored = json.dumps(train_weights(utterances), ensure_ascii=False, indent=0) + "\n"
        options["output"].write_text(stored, encoding="utf-8")
        self.stdout.write(
            f"{len(utterances)} utterances, {len(stored.encode()) // 1000} kB: {options['output']}"
        )
