"""Each process ends with 2 and one sentence where a setting names a place that cannot be listened on or written."""

from __future__ import annotations

import socket
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest
from prometheus_client import CollectorRegistry

from local_stack.environments import Environments
from local_stack.ports import free_port
from local_stack.secret_files import ensure_secret_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Environment
    from worker.settings import WorkerSettings

PROCESSES: Final = {
    # process → its module, and the prefix of the settings of each place that it listens on
    "shim": ("api_shim", ("", "METRICS_")),
    "worker": ("worker", ("WORKER_METRICS_",)),
    "notifier": ("notifier", ("NOTIFIER_METRICS_",)),
    "console": ("console", ("CONSOLE_",)),
}
PLACES: Final = [(name, prefix) for name, (_, prefixes) in PROCESSES.items() for prefix in prefixes]


@pytest.fixture
def end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, dict[str, str]], str]:
    """Runs a process that its settings end with 2, here in the tests' own. Returns what it said."""
    secrets = ensure_secret_files(tmp_path / "secrets")
    environments = Environments(
        redis_url="redis://127.0.0.1:1/0", mongodb_uri="mongodb://127.0.0.1:1/", secrets=secrets, base={}
    )
    endpoints = tmp_path / "endpoints.toml"
    endpoints.touch()
    least: Environment = {
        **environments.both(port=free_port()),
        **environments.console(port=free_port()),
        **environments.notifier(file=endpoints),
    }

    def run(name: str, settings: dict[str, str]) -> str:
        for variable, value in {**least, **settings}.items():
            monkeypatch.setenv(variable, value)
        module = f"{PROCESSES[name][0]}.__main__"
        monkeypatch.setattr(f"{module}.prepare_service", lambda _component: None)
        monkeypatch.setattr(f"{module}.configure_logs", lambda **_options: None)
        # It would leave clients open that only the end of the process closes.
        monkeypatch.setattr("worker.__main__.build_worker", _no_clients)
        assert import_module(module).main() == 2
        return capsys.readouterr().err

    return run


def _no_clients(settings: WorkerSettings) -> SimpleNamespace:
    return SimpleNamespace(settings=settings, metrics=SimpleNamespace(registry=CollectorRegistry()))


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of this machine on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("name", "prefix"), PLACES)
@pytest.mark.parametrize("host", ["a..b", "x" * 64, "\udcff", "192.0.2.1", "http://127.0.0.1"])
def test_a_host_that_cannot_be_listened_on_is_told_by_its_setting(
    end: Callable[[str, dict[str, str]], str], name: str, prefix: str, host: str
) -> None:
    said = end(name, {f"INTAKE_{prefix}HOST": host, f"INTAKE_{prefix}PORT": "1"})
    (line,) = said.splitlines()
    assert f": INTAKE_{prefix}HOST, INTAKE_{prefix}PORT: cannot listen there (" in line
    assert host not in line


@pytest.mark.parametrize(("name", "prefix"), PLACES)
def test_a_port_that_is_taken_is_told_by_its_setting(
    end: Callable[[str, dict[str, str]], str], name: str, prefix: str, taken_port: int
) -> None:
    said = end(name, {f"INTAKE_{prefix}HOST": "127.0.0.1", f"INTAKE_{prefix}PORT": str(taken_port)})
    assert f": INTAKE_{prefix}HOST, INTAKE_{prefix}PORT: cannot listen there (" in said


@pytest.mark.parametrize("place", ["", "missing/file", "file/below"])
def test_a_health_file_that_cannot_be_written_is_told_by_its_setting(
    end: Callable[[str, dict[str, str]], str], tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    said = end("worker", {"INTAKE_WORKER_HEALTH_FILE": str(tmp_path / place)})
    assert said.startswith("worker: INTAKE_WORKER_HEALTH_FILE names a file that cannot be written (")
    assert str(tmp_path) not in said


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_shim_whose_traces_cannot_be_sent_says_so_and_ends(
    end: Callable[[str, dict[str, str]], str], processes: str
) -> None:
    said = end("shim", {"INTAKE_TRACES": "1", "OTEL_BSP_SCHEDULE_DELAY": "-1", "INTAKE_PROCESSES": processes})
    assert said.startswith("api_shim: INTAKE_TRACES needs variables OTEL_EXPORTER_OTLP_")


@pytest.mark.parametrize("process", ["shim", "worker", "notifier"])
@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "secret-collector:4318", "must be a URL that begins with http:// or https://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://secret:4317", "must be a URL that begins with http:// or https://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://", "must be a URL that begins with http:// or https://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://secret:port", "must be a URL that begins with http:// or https://"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "secret/v1", "must be a URL that begins with http:// or https://"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/secret/ca.pem", "names a file that cannot be read"),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/secret/key.pem", "names a file that cannot be read"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/secret/pem", "names a file that cannot be read"),
    ],
)
def test_a_collector_that_cannot_be_is_told_by_opentelemetrys_variable(
    end: Callable[[str, dict[str, str]], str], process: str, variable: str, value: str, sentence: str
) -> None:
    said = end(process, {"INTAKE_TRACES": "1", variable: value})
    assert said.startswith(f"{PROCESSES[process][0]}: {variable} {sentence}")
    assert "secret" not in said


def test_a_collector_is_not_looked_at_where_traces_are_off(end: Callable[[str, dict[str, str]], str]) -> None:
    said = end("shim", {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318", "INTAKE_PORT": "no port"})
    assert said.startswith("api_shim: INTAKE_PORT must")
    assert "OTEL" not in said
