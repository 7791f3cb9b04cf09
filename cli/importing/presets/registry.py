"""The presets that `--from` knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.importing.presets import auth0, django, firebase, keycloak, magento, shopify, supabase, woocommerce, wordpress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.importing.presets.preset import Preset

PRESETS: Final[Mapping[str, Preset]] = {
    preset.name: preset
    for preset in (
        auth0.PRESET,
        django.PRESET,
        firebase.PRESET,
        keycloak.PRESET,
        magento.PRESET,
        shopify.PRESET,
        supabase.PRESET,
        woocommerce.PRESET,
        wordpress.PRESET,
    )
}
"""What `--from` calls it → the preset."""
