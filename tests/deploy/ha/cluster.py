"""Three Redis and three Sentinels, started by the scripts of deploy/ha, each on a loopback address of its own.

Only what a container brings is changed in them: where the volume and the configuration are, and the address.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_stack import binaries
from local_stack.process import ManagedProcess
from tests.deploy.test_compose import ROOT
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS: Final = ROOT / "deploy" / "ha"
"""Where the scripts are."""

REDIS_PORT: Final = 6379
"""Of every Redis, as in its container."""

SENTINEL_PORT: Final = 26379
"""Of every Sentinel, as in its container."""


REDIS_CLI: Final = f"""#!{sys.executable}
import sys, redis
arguments = sys.argv[1:]
assert arguments[0] == "-h" and arguments[2:] == ["-t", "2", "ping"], arguments
redis.Redis(arguments[1], socket_timeout=2).ping()
"""
"""Stands in for `redis-cli -h … -t 2 ping`, which no wheel has."""


class Machine:
    """A Redis, or a Sentinel, with its volume."""

    def __init__(self, folder: Path, name: str, address: str, *arguments: str) -> None:
        self.address = address
        self.volume = folder / name / "data"
        script = (SCRIPTS / f"{name.split('-', maxsplit=1)[0]}.sh").read_text()
        self._conf = folder / name / "redis.conf"
        self._script = folder / name / "start.sh"
        self._arguments = arguments
        self.volume.mkdir(parents=True)
        own = f"bind {address}\nreplica-announce-ip {address}\n"
        directives = (ROOT / "deploy" / "redis.conf").read_text()
        self._conf.write_text(directives.replace("dir /data", f"dir {self.volume}") + own)
        script = script.replace("/etc/redis/redis.conf", str(self._conf)).replace("/data", str(self.volume))
        # A Sentinel has no file that is mounted, so its address goes in beside a line of the script.
        line = 'echo "protected-mode no"'
        told = f'{line}; echo "bind {address}"; echo "sentinel announce-ip {address}"'
        self._script.write_text(script.replace(line, told))
        commands = folder / "bin"
        commands.mkdir(exist_ok=True)
        if not (commands / "redis-server").exists():
            (commands / "redis-server").symlink_to(binaries.redis_server())
            (commands / "redis-cli").write_text(REDIS_CLI)
            (commands / "redis-cli").chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}
        self.process = ManagedProcess(
            name,
            ["/bin/sh", str(self._script), *arguments],
            log_path=folder / f"{name}.log",
            environment=self._environment,
        )

    def make_first_primary(self, *others: Machine) -> subprocess.CompletedProcess[str]:
        """What the compose file has one do once."""
        command = ["sh", str(self._script), "first-primary", *(other.address for other in others)]
        return subprocess.run(command, check=False, timeout=30, env=self._environment, capture_output=True, text=True)

    def lose_its_disk(self) -> None:
        """Take a machine's place by one with an empty volume."""
        shutil.rmtree(self.volume)
        self.volume.mkdir()

    def client(self, port: int = REDIS_PORT) -> redis.Redis:
        """A connection that repeats nothing."""
        return redis.Redis(
            self.address,
            port,
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    def role(self) -> str:
        """`master` or `slave`, or why it does not say."""
        try:
            return str(self.client().info("replication")["role"])
        except redis.RedisError as error:
            return type(error).__name__


class Cluster:
    """Three Redis and three Sentinels, started as docker-compose.ha.yml starts them."""

    def __init__(self, folder: Path) -> None:
        # Tests that run side by side must not meet.
        block = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250) + 1}"
        first, second, third = (f"{block}.{number}" for number in (11, 12, 13))
        self.redis = [
            Machine(folder, "redis-1", first, second),
            Machine(folder, "redis-2", second, first),
            Machine(folder, "redis-3", third, first),
        ]
        self.sentinels = [
            Machine(folder, f"sentinel-{number}", f"{block}.{20 + number}", first) for number in (1, 2, 3)
        ]

    def start(self) -> None:
        """Start all of it, and wait until it is whole."""
        assert self.redis[0].make_first_primary(*self.redis[1:]).returncode == 0
        for machine in self.redis:
            machine.process.start()
        wait_until(lambda: self._replicas() == 2, timeout=30, what="the primary counts two replicas")
        for machine in self.sentinels:
            machine.process.start()
        wait_until(self._are_acquainted, timeout=30, what="the Sentinels know each other and the replicas")

    def kill(self) -> None:
        """Kill what runs."""
        for machine in (*self.sentinels, *self.redis):
            machine.process.kill()

    def primary(self) -> Machine | None:
        """Whom all Sentinels name, if it is a primary in its own eyes too."""
        named = set()
        for machine in self.sentinels:
            try:
                named.add(
                    machine.client(SENTINEL_PORT).execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "intake")[0]
                )
            except redis.RedisError:
                return None
        (found,) = [each for each in self.redis if each.address in named] if len(named) == 1 else [None]
        return found if found is not None and found.role() == "master" else None

    def _replicas(self) -> int:
        try:
            return int(self.redis[0].client().info("replication")["min_slaves_good_slaves"])
        except redis.RedisError:
            return 0

    def _are_acquainted(self) -> bool:
        for machine in self.sentinels:
            try:
                told: Any = machine.client(SENTINEL_PORT).sentinel_master("intake")
            except redis.RedisError:
                return False
            if (told["num-slaves"], told["num-other-sentinels"]) != (2, 2):
                return False
        return True
