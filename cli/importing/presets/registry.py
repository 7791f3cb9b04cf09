"""The presets that `--from` knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.presets import django, magento, shopify, supabase, woocommerce, wordpress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.importing.presets.preset import Preset

PRESETS: Final[Mapping[str, Preset]] = {
    preset.name: preset
    for preset in (
        django.PRESET,
        magento.PRESET,
        shopify.PRESET,
        supabase.PRESET,
        woocommerce.PRESET,
        wordpress.PRESET,
    )
}
"""What `--from` calls it → the preset."""
