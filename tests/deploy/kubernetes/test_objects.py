"""Every overlay of deploy/kubernetes renders to objects that Kubernetes, KEDA and Prometheus' operator take.

No cluster was at hand: the objects are held against schemas, and against each other.
"""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from typing import Any, Final

import jsonschema
import kubernetes_validate
import pytest

from tests.deploy.kubernetes.rendering import (
    COMPONENTS,
    FOLDER,
    OVERLAYS,
    container,
    deployment,
    each_overlay,
    each_pod,
    objects,
    of_kind,
    pod,
)
from tests.deploy.test_compose import ROOT

SCHEMAS: Final[dict[str, Any]] = json.loads((ROOT / "tests/deploy/kubernetes/crd_schemas.json").read_text())
"""What KEDA and Prometheus' operator define, so far as it is used here (KEDA 2.18, prometheus-operator 0.84)."""

VERSIONS: Final = ("1.34", "1.37")
"""The oldest and the newest Kubernetes whose schemas every object is held against."""


@pytest.mark.parametrize("version", VERSIONS)
@each_overlay
def test_every_object_is_valid_and_has_no_field_that_kubernetes_does_not_know(overlay: str, version: str) -> None:
    for each in objects(overlay):
        if each["kind"] in SCHEMAS:
            jsonschema.validate(each, SCHEMAS[each["kind"]])
        else:
            assert kubernetes_validate.validate(each, version, strict=True) == version


def test_a_mistake_in_an_object_would_be_found() -> None:
    broken = {**deployment("small", "shim"), "spec": {**deployment("small", "shim")["spec"], "replica": 2}}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_every_overlay_is_tested() -> None:
    assert {path.name for path in (FOLDER / "overlays").iterdir()} == set(OVERLAYS)


@each_overlay
def test_every_object_is_in_the_service_s_own_namespace(overlay: str) -> None:
    assert set(of_kind(overlay, "Namespace")) == {"customer-intake"}
    assert {each["metadata"]["namespace"] for each in objects(overlay) if each["kind"] != "Namespace"} == {
        "customer-intake"
    }


@each_pod
def test_every_selector_finds_the_pods_of_one_process(overlay: str, component: str) -> None:
    labels = deployment(overlay, component)["spec"]["template"]["metadata"]["labels"]
    name = f"intake-{component}"

    assert labels["app.kubernetes.io/component"] == component
    assert deployment(overlay, component)["spec"]["selector"]["matchLabels"] == labels
    assert of_kind(overlay, "Service")[name]["spec"]["selector"] == labels
    assert of_kind(overlay, "PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"] == labels
    assert of_kind(overlay, "NetworkPolicy")[name]["spec"]["podSelector"]["matchLabels"] == labels
    for spread in pod(overlay, component)["topologySpreadConstraints"]:
        assert spread["labelSelector"]["matchLabels"] == labels


@each_pod
def test_a_service_leads_to_ports_of_its_container(overlay: str, component: str) -> None:
    ports = {port["name"] for port in container(overlay, component)["ports"]}

    assert {port["targetPort"] for port in of_kind(overlay, "Service")[f"intake-{component}"]["spec"]["ports"]} == ports


@pytest.mark.parametrize("component", [each for each in COMPONENTS["production"] if each != "console"])
def test_prometheus_finds_the_metrics_of_every_process(component: str) -> None:
    monitor = of_kind("production", "ServiceMonitor")[f"intake-{component}"]["spec"]
    service = of_kind("production", "Service")[f"intake-{component}"]

    assert monitor["selector"]["matchLabels"] == service["metadata"]["labels"]
    assert {endpoint["port"] for endpoint in monitor["endpoints"]} <= {
        port["name"] for port in service["spec"]["ports"]
    }


@each_overlay
def test_one_component_can_be_applied_alone_so_that_workers_are_upgraded_first(overlay: str) -> None:
    """`kubectl apply --selector app.kubernetes.io/component=worker` takes what has the label, and nothing else."""
    chosen = [
        (each["kind"], each["metadata"]["name"])
        for each in objects(overlay)
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "worker"
    ]

    assert ("Deployment", "intake-worker") in chosen
    assert {name for _, name in chosen} == {"intake-worker"}


@each_overlay
def test_every_process_has_the_same_image(overlay: str) -> None:
    images = {container(overlay, component)["image"] for component in COMPONENTS[overlay]}

    assert len(images) == 1
    assert ":latest" not in images.pop()


@each_overlay
def test_only_the_labelled_namespaces_get_in(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    doors = {
        name: {
            (port["port"], *source["namespaceSelector"]["matchLabels"])
            for rule in policy["spec"]["ingress"]
            for source in rule["from"]
            for port in rule["ports"]
        }
        for name, policy in policies.items()
    }

    doors_of = {
        "shim": {("http", "customer-intake/clients"), ("metrics", "customer-intake/monitoring")},
        "worker": {("metrics", "customer-intake/monitoring")},
        "notifier": {("metrics", "customer-intake/monitoring")},
        "console": {("http", "customer-intake/clients")},
    }
    assert doors == {f"intake-{component}": doors_of[component] for component in COMPONENTS[overlay]}


@each_overlay
def test_only_the_worker_gets_out_to_mongodb(overlay: str) -> None:
    exits = {
        name: {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
        for name, policy in of_kind(overlay, "NetworkPolicy").items()
    }

    exits_of = {
        "shim": {53, 6379, 26379},
        "worker": {53, 6379, 26379, 27017},
        "notifier": {53, 6379, 26379, 443},
        "console": {53, 6379, 26379},
    }
    assert exits == {f"intake-{component}": exits_of[component] for component in COMPONENTS[overlay]}
    for policy in of_kind(overlay, "NetworkPolicy").values():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_the_notifier_gets_out_to_the_internet_and_to_no_private_address() -> None:
    policy = of_kind("production", "NetworkPolicy")["intake-notifier"]
    (to_endpoints,) = [rule for rule in policy["spec"]["egress"] if rule["ports"] == [{"port": 443}]]
    v4, v6 = (each["ipBlock"] for each in to_endpoints["to"])

    assert v4["cidr"] == "0.0.0.0/0"
    for text in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "100.64.0.1"):
        assert any(ip_address(text) in ip_network(each) for each in v4["except"])
    assert not any(ip_address("93.184.215.14") in ip_network(each) for each in v4["except"])
    for text in ("::1", "::ffff:10.0.0.1", "fc00::1", "fe80::1", "64:ff9b::a00:1"):
        assert ip_address(text) not in ip_network(v6["cidr"])
    assert ip_address("2606:4700::1111") in ip_network(v6["cidr"])
