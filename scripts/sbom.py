"""sbom.py FOLDER: what runs, as CycloneDX with versions, hashes and licences, and as a list.

What requirements.txt installs is required; what only requirements-traces.txt adds to it is optional.
"""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]


def licence(name: str) -> str:
    """As the installed package says: its expression, or its classifiers, or its own words up to a line."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "not installed here"
    if expression := told.get("License-Expression"):
        return expression
    classes = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier", []) if line.startswith("License :: ")]
    words = (told.get("License") or "").strip().splitlines()
    return ", ".join(classes) or (words[0][:60] if words else "not said")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("cyclonedx-py")
    command = [str(program), "requirements", "--output-reproducible", "--mc-type", "application", "--pyproject"]
    made = subprocess.run(  # noqa: S603  # our own tool
        [*command, str(ROOT / "pyproject.toml"), "--of", "JSON", str(ROOT / "requirements-traces.txt")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    told = json.loads(made.stdout)
    always = re.findall(r"^([a-z0-9._-]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    lines = []
    for component in told["components"]:
        said = licence(component["name"])
        component["scope"] = "required" if component["name"] in always else "optional"
        component["licenses"] = [{"license": {"name": said}}]
        lines.append(f"{component['name']}\t{component.get('version', '')}\t{said}")
    (folder / "sbom.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "licences.txt").write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
    sys.stderr.write(f"{len(lines)} packages: {folder}/sbom.json, {folder}/licences.txt\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
