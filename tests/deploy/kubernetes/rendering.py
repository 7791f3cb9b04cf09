"""The overlays of deploy/kubernetes, rendered by kubectl as an operator renders them."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.test_compose import ROOT

OVERLAYS: Final = ("small", "production")
"""The folders of deploy/kubernetes/overlays."""

FOLDER: Final = ROOT / "deploy" / "kubernetes"
"""Where base, components and overlays are."""

COMPONENTS: Final = {"small": ("shim", "worker"), "production": ("shim", "worker", "notifier", "console")}
"""The processes that each overlay deploys."""

_KUBECTL: Final = shutil.which("kubectl", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
"""The kubectl of the developers' wheel, or of this machine where there is no such wheel."""

each_overlay: Final = pytest.mark.parametrize("overlay", OVERLAYS)
"""For a test of every overlay."""

each_pod: Final = pytest.mark.parametrize(
    ("overlay", "component"), [(overlay, component) for overlay in OVERLAYS for component in COMPONENTS[overlay]]
)
"""For a test of every process in every overlay."""


@functools.cache
def objects(overlay: str) -> tuple[dict[str, Any], ...]:
    """Every object of an overlay."""
    if _KUBECTL is None and not os.environ.get("CI"):
        pytest.skip("there is no kubectl here")
    assert _KUBECTL is not None
    done = subprocess.run(
        [_KUBECTL, "kustomize", str(FOLDER / "overlays" / overlay)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, kind: str) -> dict[str, dict[str, Any]]:
    """The objects of one kind by their names."""
    return {each["metadata"]["name"]: each for each in objects(overlay) if each["kind"] == kind}


def deployment(overlay: str, component: str) -> dict[str, Any]:
    """The deployment of a process."""
    return of_kind(overlay, "Deployment")[f"intake-{component}"]


def pod(overlay: str, component: str) -> dict[str, Any]:
    """What a pod of a process is made from."""
    spec: dict[str, Any] = deployment(overlay, component)["spec"]["template"]["spec"]
    return spec


def container(overlay: str, component: str) -> dict[str, Any]:
    """The only container of a pod."""
    (only,) = pod(overlay, component)["containers"]
    return dict(only)


def environment(overlay: str, component: str) -> dict[str, str]:
    """The variables of a container, those with its own CPU among them."""
    told: dict[str, str] = {}
    for variable in container(overlay, component)["env"]:
        if "valueFrom" in variable:
            assert variable["valueFrom"] == {
                "resourceFieldRef": {"containerName": component, "resource": "requests.cpu", "divisor": "1"}
            }
            told[variable["name"]] = str(cores(overlay, component))
        else:
            told[variable["name"]] = variable["value"]
    return told


def cores(overlay: str, component: str) -> int:
    """The whole cores that a pod asks for."""
    return int(container(overlay, component)["resources"]["requests"]["cpu"])


def mebibytes(quantity: str) -> int:
    """A quantity of memory such as `512Mi`."""
    return int(quantity.removesuffix("Mi"))
