"""Which embedded engines are still waiting for their model files, for the front page."""

from django.conf import settings
from django.utils.translation import gettext as _

from generation import model_files

HERE = ("ready", "unchecked")


def getting_ready() -> list[str]:
    """`["chat 43 %", …]` while files are being fetched; empty when all are here, or nobody fetches them."""
    if settings.MODEL_SET == "none":
        return []
    files = model_files.state(settings.MODEL_FOLDER, settings.MODEL_SET)
    if not any(file.state == "fetching" for file in files):
        return []
    waiting = {file.engine: (0, 0) for file in files if file.state not in HERE}
    for file in files:
        if file.engine in waiting:
            here, total = waiting[file.engine]
            waiting[file.engine] = (here + file.bytes, total + file.total)
    return [
        _("%(engine)s %(percent)s %%") % {"engine": engine, "percent": here * 100 // max(1, total)}
        for engine, (here, total) in waiting.items()
    ]
