"""Builds the OpenAPI 3.1 document of this interface.

`python -m api_shim.interface.openapi` prints it. `openapi.json` beside this file holds what that printed; a test
compares the two. The shim serves that file and builds nothing, so it never loads the schemas of customers.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from api_shim.interface.openapi_answers import component_headers, component_responses
from api_shim.interface.openapi_batch_components import batch_answers, batch_schemas
from api_shim.interface.openapi_batches import batch_paths
from api_shim.interface.openapi_events import event_answers, event_paths, event_schemas
from api_shim.interface.openapi_paths import customer_paths, header_parameter, service_paths
from api_shim.interface.openapi_schemas import component_schemas
from api_shim.settings import DEFAULT_PREFIX

INTERFACE_VERSION: Final = "1.0.0"
"""The version of the interface, not of the package. It changes when clients could notice a difference."""

_DESCRIPTION: Final = """\
MicroBase's `customer.create`, made asynchronous: a request is accepted at once, a queue worker does the work, and the
documented response is read back as a result.

- Every answer is a JSON object with a boolean `ok`. A failure also has `error`, a short code, and sometimes `data`.
- The method's own outcome, a customer or one of its four errors, always has HTTP status 200. The status tells whether
  the call worked; `ok` tells whether the customer was created.
- The methods also answer under their documented path, `/customer/v1/…`.
- A path that does not exist gets `404 {"ok": false, "error": "not_found"}`.
- Bytes that are no HTTP get the server's own 400 in plain text, and so does a request whose head (request line and
  headers) exceeds 16 KiB. A request that can be read in two ways gets 400 `malformed_request`: one that announces its
  body by both length and chunks, or that has no `Host` or several. In each case the connection ends.
- A body that is not complete after 60 seconds gets 408 `request_timeout`. If a head is not complete after 20 seconds,
  or nobody reads an answer for 30 seconds, the connection ends without an answer.
"""
"""The document's text about the service."""

_BEARER_DESCRIPTION: Final = """\
A JWT of at most 4 KiB with `exp` and `sub`. To create a customer, `scope` must contain `customer:create`; to send a
`passwordHash`, `customer:import` too; to read events, `customer:events`. Your identity provider issues the token, or
anyone who knows `INTAKE_JWT_SECRET`. For the local stack, run `customer-intake token --sub me`: it prints one.
"""
"""The document's text about tokens."""


def build_openapi() -> dict[str, Any]:
    """The OpenAPI document, with the paths of the methods below the default prefix."""
    methods = customer_paths() | batch_paths() | event_paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "customer-intake",
            "version": INTERFACE_VERSION,
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": _DESCRIPTION,
        },
        "tags": [{"name": "customer"}, {"name": "batch"}, {"name": "event"}, {"name": "service"}],
        "paths": {f"{DEFAULT_PREFIX}{path}": operations for path, operations in methods.items()} | service_paths(),
        "components": {
            "schemas": component_schemas() | batch_schemas() | event_schemas(),
            "responses": component_responses() | batch_answers() | event_answers(),
            "headers": component_headers(),
            "parameters": {
                "RequestId": header_parameter(
                    "x-request-id",
                    "The answer repeats it and the logs show it, if it is 1 to 128 visible ASCII characters.",
                )
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": _BEARER_DESCRIPTION,
                }
            },
        },
    }


if __name__ == "__main__":
    json.dump(build_openapi(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
