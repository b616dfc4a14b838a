"""What a web process has loaded before its first visitor comes, and what it leaves to those who need it."""

import os
import subprocess
import sys

PROGRAM = """
import sys, django
django.setup()
from pollweb import serve
serve.load_pages()
print(*[name for name in sys.argv[1:] if name in sys.modules])
"""


def test_its_pages_are_there_and_what_few_need_is_not(tmp_path):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "pollweb.settings", "POLLWEB_HOME": str(tmp_path)}
    asked = ("pollweb.gallery.explore", "generation.web.create", "av", "jsonschema")
    done = subprocess.run([sys.executable, "-c", PROGRAM, *asked], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["pollweb.gallery.explore", "generation.web.create"]
