from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import ConfigurationError
from schemas.settings import Settings


def test_nothing_set_is_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings.from_env({"PATH": "/bin", "KEFU_UNHEARD_OF": "x"}) == Settings()


def test_every_type_is_read_from_text() -> None:
    env = {
        "KEFU_HOME": "/data", "KEFU_HOSTS": "4", "KEFU_PLACEMENT": "dedicated", "KEFU_IDLE_S": "1.5",
        "KEFU_INTENT_FIRST": "true", "KEFU_TENANT": "12",
    }  # fmt: skip
    settings = Settings.from_env(env)
    assert settings == Settings(
        home="/data", hosts=4, placement="dedicated", idle_s=1.5, intent_first=True, tenant="12"
    )
    assert settings.metrics_dir == Path("/data/metrics")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KEFU_CAPACITY", "many"), ("KEFU_CAPACITY", "0"), ("KEFU_MAX_TURNS", "0"), ("KEFU_INGRESS", "-1"),
        ("KEFU_PLACEMENT", "somewhere"), ("KEFU_IDLE_S", "long"), ("KEFU_INTENT_FIRST", "perhaps"),
        ("KEFU_CAPACITY", "1.5"), ("KEFU_CAPACITY", ""),
    ],
)  # fmt: skip
def test_a_wrong_value_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Settings.from_env({variable: value})
    assert variable in str(error.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().home = "elsewhere"  # type: ignore[misc]
