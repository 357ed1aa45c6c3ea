"""Play a scripted WhatsApp conversation on the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.errors import ParleyError
from messaging.models import BusinessNumber
from messaging.registry import get_controller
from messaging.services import rehearsal, simulation


class Command(BaseCommand):
    help = "Play a YAML script on a simulated phone; fails where the answers differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("script", help="YAML file: steps of say/press/send/pay/wait/expect.")
        parser.add_argument("--number", default="", help="phone_number_id; by default the first.")
        parser.add_argument("--name", default="Lucía", help="Name of the person.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            simulation.require_simulator()
            script = yaml.safe_load(Path(options["script"]).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, ParleyError) as error:
            raise CommandError(f"The script cannot be played: {error}") from error
        steps = script.get("steps") if isinstance(script, dict) else None
        if not isinstance(steps, list) or not all(isinstance(one, dict) for one in steps):
            raise CommandError("The script needs a list named 'steps', each a mapping.")
        numbers = BusinessNumber.objects.select_related("company").order_by("pk")
        if options["number"]:
            numbers = numbers.filter(phone_number_id=options["number"])
        number = numbers.first()
        if number is None:
            raise CommandError("There is no such number. `manage.py demo` makes one.")
        phone = simulation.add_phone(number=number, name=options["name"])
        failed = 0
        try:
            for played in rehearsal.play(
                phone=phone,
                steps=steps,
                drain=get_controller().drain,
                pay=rehearsal.pay_with_play_money,
            ):
                self.stdout.write(f"> {played.step}")
                for text in played.said:
                    self.stdout.write("  " + text.replace("\n", "\n  "))
                for problem in played.problems:
                    failed += 1
                    self.stderr.write(f"  ! {problem}")
        except ParleyError as error:
            raise CommandError(error.detail) from error
        if failed:
            raise CommandError(f"{failed} expectations were not met.")
