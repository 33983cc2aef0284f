from __future__ import annotations

import pytest
import ray


def test_unit_tests_cannot_start_ray() -> None:
    with pytest.raises(AssertionError, match="forbidden"):
        ray.init()
