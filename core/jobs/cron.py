"""When a cron line matches next, in UTC.

The reading of cron lines is Procrastinate's own (croniter), so that a line means the same on
both back ends.
"""

from __future__ import annotations

from datetime import UTC, datetime

from croniter import croniter


def check_cron(line: str) -> None:
    """Refuse a line that is not five cron fields.

    Raises:
        ValueError: the line does not parse or has another number of fields.
    """
    if len(line.split()) != 5 or not croniter.is_valid(line):
        raise ValueError(f"not a cron line of five fields: {line!r}")


def seconds_until_next(line: str, *, after: datetime | None = None) -> float:
    """Return the seconds from `after` (now unless told) to the line's next match."""
    start = after or datetime.now(UTC)
    upcoming: datetime = croniter(line, start).get_next(datetime)
    return (upcoming - start).total_seconds()
