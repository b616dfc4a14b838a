"""The sample of the guide that has a recording written down."""

import pytest

from tests.guide.conftest import Runner
from tests.guide.test_guide import TRANSCRIPTION_PROGRAM
from tests.site import Site

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


@pytest.mark.parametrize("format", ["wav", "mp3"])
def test_a_recording_is_transcribed(runner: Runner, site: Site, format: str) -> None:
    sentence = "The%20capital%20of%20France%20is%20Paris."
    recording = site.ask(f"/text/{sentence}?model=openai-audio&voice=nova&format={format}")
    (runner.folder / f"audio.{format}").write_bytes(recording.body)
    printed = runner.run(TRANSCRIPTION_PROGRAM.replace("path/to/your/audio.wav", f"audio.{format}"))
    assert printed.startswith("转录结果: ")
    assert "capital of France is Paris" in printed
