"""pollweb.settings for tests: a home of its own in the temporary folder, for each test process."""

import os
import tempfile

# A run against PostgreSQL and an outer Redis (make test-services) names them by these two.
OUTER = {name: os.environ.get(name, "") for name in ("POLLWEB_DATABASE_URL", "POLLWEB_REDIS_URL")}
for name in [
    name
    for name in os.environ
    if name.startswith("POLLWEB_")
    and name not in (*OUTER, "POLLWEB_MODELS_DIR", "POLLWEB_SERVER", "POLLWEB_HTTP_TRANSPORT")
]:
    del os.environ[name]

_home = tempfile.TemporaryDirectory(prefix="pollweb-test-")
os.environ["POLLWEB_HOME"] = _home.name
os.mkdir(os.path.join(_home.name, "static"))  # where it is missing, WhiteNoise warns
os.environ["POLLWEB_MODELS"] = "none"
os.environ["POLLWEB_SECRET_KEY"] = "only for tests"
os.environ["POLLWEB_SITE_URL"] = "http://localhost:8000"
os.environ["POLLWEB_REDIS_PREFIX"] = f"pollweb-test-{os.getpid()}"

from pollweb import config  # noqa: E402
from pollweb.settings import *  # noqa: E402, F403
from pollweb.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, not memory: threads and processes of a test see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_home.name, "test.sqlite3")}
else:
    # A test's process is web server, worker and visitor at once, with the threads of all of them.
    DATABASES["default"]["OPTIONS"]["pool"]["max_size"] = 40

# Everything is made by the scripted provider (tests.fakes) unless a test says otherwise, and nobody waits for a turn.
DESIGN = config.parse(
    {
        "providers": {"scripted": {"kind": "scripted"}},
        "models": {
            "image": {
                "flux": {"from": [{"provider": "scripted", "model": "picture"}]},
                "turbo": {"from": [{"provider": "scripted", "model": "picture"}]},
                "kontext": {"from": [{"provider": "scripted", "model": "picture"}], "edits": True},
                "rare": {"from": [{"provider": "scripted", "model": "picture"}], "tier": "flower"},
            },
            "text": {
                "openai": {"from": [{"provider": "scripted", "model": "words"}], "vision": True},
                "openai-large": {"from": [{"provider": "scripted", "model": "words"}], "tier": "flower"},
                "mistral": {"from": [{"provider": "scripted", "model": "words"}]},
                "claude-hybridspace": {"from": [{"provider": "scripted", "model": "words"}]},
                "pirate": {
                    "from": [{"provider": "scripted", "model": "words"}],
                    "system": "You are a pirate.",
                },
            },
            "audio": {"openai-audio": {"from": [{"provider": "scripted", "model": "sound"}]}},
            "transcription": {"whisper-1": {"from": [{"provider": "scripted", "model": "transcript"}]}},
        },
        "moderation": {"classifier": False},
        "tiers": {
            "anonymous": {"interval": 0, "concurrency": 20},
            "seed": {"interval": 0},
            "flower": {"interval": 0},
        },
    },
    "tests/settings.py",
)
