"""The running SPF with its VMM at work, and the clients that are let loose on it."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import NO_MONO
from tests.realspf import ACCOUNT, ALICE, PASSWORD, RealSPF, real_spf

SOURCES = Path(__file__).parent / "dotnet"
ASSEMBLIES = ("System.Data.Services.Client", "Mono.Security")
# The first scenario waits for a slow password hash, and Mono compiles what it runs.
PATIENCE = 120.0


@pytest.fixture(scope="session")
def spf(tmp_path_factory) -> Iterator[RealSPF]:
    with real_spf(tmp_path_factory.mktemp("spf"), "vmm", "beat") as running:
        yield running


@pytest.fixture(scope="session")
def alice_door(spf) -> Iterator[httpx.Client]:
    """Yield a plain client of ours at alice's door, to see what the others have done."""
    with spf.client(spf.root(spf.world.alice)) as client:
        yield client


class Machines:
    """Machines of alice, made and watched in the plainest way."""

    def __init__(self, spf: RealSPF, door: httpx.Client) -> None:
        self._spf, self._door = spf, door

    def make(self, name: str) -> str:
        """Return the id of a machine that runs."""
        world = self._spf.world
        order = {
            "StampId": world.stamp,
            "CloudId": world.cloud,
            "VMTemplateId": world.template,
            "Name": name,
            "NewVirtualNetworkAdapterInput": [{"VMNetworkName": "front"}],
            "StartVM": True,
        }
        answer = self._door.post("VirtualMachines", json=order)
        assert answer.status_code == 201, answer.text
        self.finish(answer.headers["x-ms-request-id"])
        return answer.json()["ID"]

    def finish(self, job_id: str) -> None:
        """Wait until VMM has done a job, and done it well."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            (job,) = self._rows(f"Jobs?$filter=ID eq guid'{job_id}'")
            if job["IsCompleted"]:
                assert job["Status"] == "Completed", job["ErrorInfo"]
                return
            time.sleep(0.05)
        raise AssertionError(f"job {job_id} has not ended")

    def settle(self, id: str) -> None:
        """Wait until VMM has done a machine's last job; one that is gone has none."""
        newest = f"Jobs?$filter=TargetObjectID eq guid'{id}'&$orderby=StartTime desc&$top=1"
        for job in self._rows(newest):
            self.finish(job["ID"])

    def row(self, id: str) -> dict[str, Any]:
        """Return a machine as it is now; without it, an empty row."""
        found = self._rows(f"VirtualMachines?$filter=ID eq guid'{id}'")
        return found[0] if found else {}

    def _rows(self, path: str) -> list[dict[str, Any]]:
        return self._door.get(path).json()["value"]


@pytest.fixture(scope="session")
def machines(spf, alice_door) -> Machines:
    return Machines(spf, alice_door)


class Fault(Exception):
    """What the program says of an exception: its kind and message, and those behind it."""

    def __init__(self, told: list[tuple[str, str]]) -> None:
        self.kinds = [name.removeprefix("!") for name, _ in told]
        self.message = " | ".join(message for _, message in told)
        super().__init__(f"{' < '.join(self.kinds)}: {self.message}")


class DotNet:
    """A running program of ours around Microsoft's client, given one scenario after another."""

    def __init__(self, program: Path, spf: RealSPF, authority: Path | None = None) -> None:
        world = spf.world
        settings = {
            "server": spf.stack.url("spf"),
            "authority": authority or spf.stack.authority,
            "account": ACCOUNT,
            "password": PASSWORD,
            "principal": ALICE,
            "tenant": world.alice,
            "stamp": world.stamp,
            "cloud": world.cloud,
            "template": world.template,
        }
        words = [f"{name}={value}" for name, value in settings.items()]
        process = subprocess.Popen(
            ["mono", str(program), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._input, self._output = process, process.stdin, process.stdout

    def run(self, scenario: str, *arguments: str) -> dict[str, list[str]]:
        """Return what a scenario says, by name; raises Fault for an exception."""
        watch = threading.Timer(PATIENCE, self._process.kill)
        watch.start()
        try:
            self._input.write("\t".join([scenario, *arguments]) + "\n")
            self._input.flush()
            told = list(self._answer())
        finally:
            watch.cancel()
        if told and told[-1][0].startswith("!"):
            raise Fault([each for each in told if each[0].startswith("!")])
        said: dict[str, list[str]] = {}
        for name, value in told:
            said.setdefault(name, []).append(value)
        return said

    def _answer(self) -> Iterator[tuple[str, str]]:
        for line in self._output:
            if line == ".\n":
                return
            name, _, value = line.rstrip("\n").partition("\t")
            yield name, value
        raise AssertionError("the program has ended")

    def close(self) -> None:
        self._input.close()
        self._process.wait(60)
        self._output.close()


@pytest.fixture(scope="session")
def program(tmp_path_factory) -> Path:
    """Return the compiled program."""
    if not (shutil.which("mcs") and shutil.which("mono")):
        pytest.skip(NO_MONO)
    built = tmp_path_factory.mktemp("dotnet") / "client.exe"
    command = ["mcs", f"-out:{built}", *(f"-r:{name}" for name in ASSEMBLIES)]
    sources = sorted(str(path) for path in SOURCES.glob("*.cs"))
    done = subprocess.run([*command, *sources], capture_output=True, text=True)
    if "CS0006" in done.stderr:
        pytest.skip(f"{NO_MONO} with {' and '.join(ASSEMBLIES)}")
    assert done.returncode == 0, done.stderr
    return built


@pytest.fixture(scope="session")
def dotnet(program, spf) -> Iterator[DotNet]:
    running = DotNet(program, spf)
    yield running
    running.close()
