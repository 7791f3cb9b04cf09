"""How the tests of imports choose their examples."""

from __future__ import annotations

from hypothesis import settings

# Every run has the same examples, so a test that fails here fails on any machine. A slow machine must not fail them.
settings.register_profile("specification", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("specification")
