"""How old things are told to be: in minutes, then hours, then days (django.utils.timesince: its months and years begin
with one of the days)."""

import time
from datetime import datetime

MINUTE, HOUR, DAY = 60, 3600, 86_400


def age_step(moment: datetime) -> tuple[int, int]:
    """Another one whenever the words for its age become others."""
    age = time.time() - moment.timestamp()
    unit = MINUTE if age < HOUR else HOUR if age < DAY else DAY
    return unit, int(age // unit)
