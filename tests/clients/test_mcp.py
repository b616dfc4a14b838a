"""The MCP inspector (npm), as its command line: it lists and calls tools over HTTP and by the program."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import JAVASCRIPT, NODE
from tests.site import ROOT, Site

INSPECTOR = JAVASCRIPT / "node_modules" / ".bin" / "mcp-inspector"


class Inspector:
    """`ask("tools/list")`: what the inspector prints."""

    def __init__(self, *server: str, home: Path, **environment: str) -> None:
        self.server = server
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "*", **environment}

    def ask(self, method: str, *more: str, code: int = 0) -> Any:
        assert INSPECTOR.is_file(), "run `make test-clients`, which installs the JavaScript packages"
        ended = subprocess.run(
            [NODE, INSPECTOR, "--cli", *self.server, "--method", method, *more],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return json.loads(ended.stdout)


@pytest.fixture(params=["http", "stdio"])
def inspector(request: pytest.FixtureRequest, site: Site, token: str, tmp_path: Path) -> Inspector:
    if request.param == "http":
        header = f"Authorization: Bearer {token}"
        return Inspector(f"{site.address}/mcp", "--transport", "http", "--header", header, home=tmp_path)
    program = (sys.executable, str(ROOT / "manage.py"), "mcpstdio")
    given = {"POLLWEB_HOME": str(site.home), "POLLWEB_TOKEN": token}
    variables = [word for name, value in given.items() for word in ("-e", f"{name}={value}")]
    return Inspector(*program, *variables, home=tmp_path)


def test_the_inspector_lists_and_calls_tools(inspector: Inspector) -> None:
    tools = {tool["name"]: tool for tool in inspector.ask("tools/list")["tools"]}
    assert {"generateImage", "generateImageUrl", "sayText", "respondAudio", "listModels"} <= set(tools)
    made = inspector.ask("tools/call", "--tool-name", "listModels", "--tool-arg", "type=image")
    assert "flux" in json.loads(made["content"][0]["text"])
    made = inspector.ask(
        *("tools/call", "--tool-name", "generateImage"),
        *("--tool-arg", "prompt=a red fox", "--tool-arg", 'options={"width": 64, "height": 64}'),
    )
    assert made["content"][0]["type"] == "image"
    assert made["structuredContent"]["width"] == 64
    assert [prompt["name"] for prompt in inspector.ask("prompts/list")["prompts"]] == ["illustrate", "remix"]
    assert inspector.ask("resources/list")["resources"][0]["uri"] == "pollweb://models"


def test_the_inspector_is_told_what_is_wrong(inspector: Inspector) -> None:
    made = inspector.ask(
        *("tools/call", "--tool-name", "generateText"),
        *("--tool-arg", "prompt=hi", "--tool-arg", "model=nothing"),
        code=5,  # the inspector's own for isError
    )
    assert made["isError"]
    assert "There is no model 'nothing'" in made["content"][0]["text"]
