"""Python runs this first in each process that a test starts: what only developers install is not to be found there.

Libraries of the service use some of these packages where they find them: kombu reads YAML, redis counts through
OpenTelemetry, structlog prints through rich. A deployment has none of them. Processes under test behave as there, and
start sooner.
"""

from __future__ import annotations

import sys
from typing import Final

DEVELOPERS_PACKAGES: Final = {
    "opentelemetry": "opentelemetry-api",
    "rich": "rich",
    "yaml": "pyyaml",
}
"""By the name that is imported, the name under which it is installed."""

# An import of a name that stands for None raises ModuleNotFoundError.
sys.modules.update(dict.fromkeys(DEVELOPERS_PACKAGES))  # type: ignore[arg-type]  # None is Python's own mark for this
