"""The block that files of generated content bear in China (GB 45438-2025, annex E): who made it, and under which name.

A JSON text of seven fields under the key AIGC; in a picture it is a property of XMP, in the namespace that the
standard's authors have published for it (TC260-PG-20258A).
"""

import json

from django.conf import settings

NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
MADE_BY_A_MACHINE = "1"  # 2 says that it may be, 3 that somebody suspects so


def is_on() -> bool:
    return bool(settings.DESIGN.marking.producer)


def block(name: str) -> str:
    """The block of what this installation calls `name`, a public id; "" where the operator has not said who produces.

    The reserved codes are for signatures, and stay empty.
    """
    marking = settings.DESIGN.marking
    if not is_on():
        return ""
    fields = {
        "Label": MADE_BY_A_MACHINE,
        "ContentProducer": marking.producer,
        "ProduceID": name,
        "ReservedCode1": "",
        "ContentPropagator": marking.propagator,
        "PropagateID": name if marking.propagator else "",
        "ReservedCode2": "",
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
