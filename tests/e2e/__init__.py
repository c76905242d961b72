"""The whole program, from outside."""

import pytest

pytest.register_assert_rewrite("tests.e2e.browser")
