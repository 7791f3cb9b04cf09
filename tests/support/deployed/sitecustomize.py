"""Python runs this first in each process that a test starts: what only developers install is not to be found there.

Libraries of the service use some of these packages where they find them: kombu reads YAML, structlog prints through
rich. A deployment has none of them. OpenTelemetry is there for traces alone, and a deployment without traces may lack
it: redis counts through it where it is. Processes under test behave as there, and start sooner.
"""

from __future__ import annotations

import os
import sys
from typing import Final

DEVELOPERS_PACKAGES: Final = {
    "rich": "rich",
    "yaml": "pyyaml",
}
"""By the name that is imported, the name under which it is installed."""

TRACING: Final = () if os.environ.get("INTAKE_TRACES") else ("opentelemetry",)
"""What a process without traces must do without."""

# An import of a name that stands for None raises ModuleNotFoundError.
sys.modules.update(dict.fromkeys([*DEVELOPERS_PACKAGES, *TRACING]))  # type: ignore[arg-type]  # None is Python's own mark for this
