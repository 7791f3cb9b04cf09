"""The presets that `--from` knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.importing.presets.preset import Preset

PRESETS: Final[Mapping[str, Preset]] = {}
"""What `--from` calls it → the preset."""
