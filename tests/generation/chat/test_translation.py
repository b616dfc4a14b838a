import pytest

from generation.providers.local import chat
from generation.providers.local.errors import translate

STATUS = {
    chat.EngineMissing("m"): 503,
    chat.ModelMissing("m"): 503,
    chat.ModelDamaged("m"): 503,
    chat.EngineBusy("m"): 503,
    chat.EngineFailed("m"): 502,
    chat.OutOfTime("m"): 504,
    chat.RequestRefused("m"): 400,
    chat.ContextTooLong(8192): 400,
}


@pytest.mark.parametrize(("error", "status"), STATUS.items(), ids=lambda value: type(value).__name__)
def test_each_of_the_engines_errors_has_a_status_of_ours(error, status):
    assert translate(error).status == status


def test_no_error_of_the_engine_was_forgotten():
    named = {value for value in vars(chat).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert named - {chat.EngineError} == {type(error) for error in STATUS}
