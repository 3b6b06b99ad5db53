"""Models behind URLs: read block by block, audited as on this machine; against a server that speaks S3."""

from __future__ import annotations

import functools
import http.server
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightlens
from tests.auditing.networks import Network, cnn, dense, mlp, recurrent, write
from tests.auditing.plants import PLANTS
from tests.auditing.store import planted_store, rng_of
from tests.formats.build import given, sequential
from weightlens import workers
from weightlens.auditing import Finding
from weightlens.cli.main import main
from weightlens.errors import BadInput, UnreadableModel, WeightlensError
from weightlens.formats.remote import RemoteFile, file_system

fsspec = pytest.importorskip("fsspec")
assert PLANTS


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[str]:
    """A folder in memory with three models."""
    system = fsspec.filesystem("memory")
    for seed, (make, suffix) in enumerate(((mlp, "keras"), (cnn, "h5"), (recurrent, "keras"))):
        system.pipe(f"/models/{seed}.{suffix}", write(make(rng_of(seed)), tmp_path / f"{seed}.{suffix}").read_bytes())
    yield "memory://models"
    system.rm("/models", recursive=True)


def test_a_url_is_read_as_a_file(memory: str, tmp_path: Path) -> None:
    for name in ("0.keras", "1.h5", "2.keras"):
        here, there = weightlens.load(tmp_path / name), weightlens.load(f"{memory}/{name}")
        assert there.provenance.path == f"{memory}/{name}" and weightlens.diff(here, there).same
    with pytest.raises(UnreadableModel, match="there is no such file"):
        weightlens.load(f"{memory}/none.h5")
    with pytest.raises(BadInput, match="xyz"):
        weightlens.load("xyz://a/b.h5")


def test_the_commands_take_urls(memory: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", f"{memory}/0.keras"]) == 0 and "hidden_0 · Dense" in capsys.readouterr().out
    assert main(["diff", f"{memory}/0.keras", f"{memory}/0.keras"]) == 0
    assert main(["trace", f"{memory}/1.h5", "--layer", "out"]) == 0
    assert main(["show", f"{memory}/none.h5"]) == 2 and "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["patch", "--set", "out/bias[0]=1", "-o", "new.h5"], ["check"]])
def test_what_needs_a_file_of_this_machine_says_so(memory: str, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command[0], f"{memory}/1.h5", *command[1:]]) == 2
    shown = capsys.readouterr()
    assert f"{memory}/1.h5: " in shown.err and "download it first" in shown.err


def test_structure_costs_few_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 24 MB of numbers less than a twentieth is read to list the layers."""
    rng, net = rng_of(0), Network([given("x", 500)])
    for i in range(12):
        dense(rng, net, f"layer_{i}", 500, 500)
        dense(rng, net, f"more_{i}", 500, 500)
    fetched = []
    plain = RemoteFile._fetch
    monkeypatch.setattr(RemoteFile, "_fetch", lambda self, start, end: (fetched.append(end - start), plain(self, start, end))[1])
    for suffix in ("h5", "keras"):
        path, system = write(net, tmp_path / f"m.{suffix}"), fsspec.filesystem("memory")
        system.pipe(f"/large.{suffix}", path.read_bytes())
        fetched.clear()
        model = weightlens.load(f"memory://large.{suffix}")
        assert model.size > 6_000_000 and sum(fetched) < 1_200_000
        before = sum(fetched)
        assert np.array_equal(model["layer_3"].kernel, net.arrays["layer_3"]["kernel"]) and 1_000_000 <= sum(fetched) - before < 1_200_000


def test_a_folder_behind_a_url_is_audited(memory: str, tmp_path: Path) -> None:
    there = {(one.file.rpartition("/")[2], *one.key[1:], one.message) for one in weightlens.audit(memory)}
    here = {(one.file.rpartition("/")[2], *one.key[1:], one.message) for one in weightlens.audit(tmp_path)}
    assert there == here
    assert len(weightlens.audit(f"{memory}/*.keras").places) == 2
    with pytest.raises(BadInput, match="there is no model here"):
        weightlens.audit(f"{memory}/nothing/")


def test_models_of_every_kind_in_a_folder_behind_a_url(memory: str, tmp_path: Path) -> None:
    """Folders that are models, TensorFlow.js, archives and files of weights are listed as on this machine, and nothing else."""
    import zipfile

    from tests.formats import savedmodel, tfjs
    from tests.formats.savedmodel import build as saved_build
    from tests.formats.tfjs import build as tfjs_build

    assert savedmodel and tfjs
    here, topology = tmp_path / "all", sequential(given("i", 3))
    (here / "notes").mkdir(parents=True)
    saved_build.written(here / "saved", saved_build.saved(saved_build.model_thing(topology, [])))
    tfjs_build.written(here / "js", tfjs_build.whole(topology, {}))
    write(mlp(rng_of(3)), here / "m.keras")
    (here / "m.weights.h5").write_bytes((tmp_path / "1.h5").read_bytes())
    with zipfile.ZipFile(here / "m.keras") as file:
        file.extractall(here / "unpacked")
    (here / "packed.zip").write_bytes((here / "m.keras").read_bytes())
    (here / "notes" / "model.json").write_text("{}")
    system = fsspec.filesystem("memory")
    for file in here.rglob("*"):
        if file.is_file():
            system.pipe(f"/all/{file.relative_to(here).as_posix()}", file.read_bytes())
    local = {Path(one.name).relative_to(here).as_posix(): one.size for one in weightlens.audit(here).places}
    there = {one.name.partition("/all/")[2]: one.size for one in weightlens.audit("memory://all").places}
    assert there == local and sorted(there) == ["js", "m.keras", "m.weights.h5", "packed.zip", "saved", "unpacked"]
    assert [one.name for one in weightlens.audit("memory://all/saved").places] == ["memory:///all/saved"]
    system.rm("/all", recursive=True)


def test_in_a_zip(memory: str, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        file.write(tmp_path / "1.h5", "a/1.h5")
    model = weightlens.load(f"zip://a/1.h5::{(tmp_path / 'all.zip').as_uri()}")
    assert weightlens.diff(model, tmp_path / "1.h5").same


@pytest.mark.slow
def test_a_web_server_that_knows_no_parts_of_files(memory: str, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for name in ("0.keras", "1.h5"):
            assert weightlens.diff(f"{url}/{name}", tmp_path / name).same
        assert not [one for one in weightlens.audit(f"{url}/1.h5") if one.level == "error"]
        with pytest.raises(WeightlensError):
            weightlens.load(f"{url}/none.h5")
        server.shutdown()


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, list[Finding]]]:
    """A planted store in a bucket of a server that speaks S3, and the same in a folder, with what is found in each file of that."""
    server_module = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    server = server_module.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("store")
        planted_store(folder, 40, 3)
        system = s3fs.S3FileSystem(skip_instance_cache=True)
        system.mkdir("models")
        system.put(str(folder) + "/", "models/", recursive=True)
        yield "s3://models", folder, list(weightlens.audit(folder, rules={"store": "off"}))
    server.stop()


@pytest.mark.slow
def test_s3_is_audited_as_a_folder(bucket: tuple[str, Path, list[Finding]], capsys: pytest.CaptureFixture[str]) -> None:
    url, folder, found = bucket
    here = {(*Path(one.file).parts[-2:], *one.key[1:], one.message) for one in found}
    there = {(*one.file.split("/")[-2:], *one.key[1:], one.message) for one in weightlens.audit(url, rules={"store": "off"})}
    assert here == there and len(here) > 20
    assert main(["audit", f"{url}/*1/*", "--format", "json", "--fail-on", "never"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] > 1
    name = next(path for path in sorted(folder.rglob("*.keras")))
    assert file_system(url)[0].exists(f"models/{name.parent.name}/{name.name}")


@pytest.fixture(scope="module")
def cluster(bucket: tuple[str, Path, list[Finding]]) -> Iterator[Any]:
    """Two workers of Dask, in processes that know where the bucket is."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as started:
        yield started


@pytest.mark.slow
def test_two_workers_find_the_same(bucket: tuple[str, Path, list[Finding]], cluster: Any) -> None:
    url, folder, found = bucket
    alone = {one.key: one.message for one in weightlens.audit(folder)}
    together = {one.key: one.message for one in weightlens.audit(folder, scheduler="local", workers=2)}
    assert alone == together
    remote = {
        (one.file.split("/")[-2], one.rule) for one in weightlens.audit(url, scheduler=cluster.scheduler_address, rules={"store": "off"})
    }
    assert remote == {(Path(one.file).parent.name, one.rule) for one in found}


@pytest.mark.slow
def test_a_killed_worker_loses_nothing(tmp_path: Path, cluster: Any) -> None:
    planted_store(tmp_path, 60, 8)
    expected = sorted(one.key for one in weightlens.audit(tmp_path))
    audit = weightlens.audit(tmp_path, scheduler=cluster.scheduler_address)
    seen = []
    for result in audit.run():
        seen.append(result.file)
        if len(seen) == 5:
            os.kill(next(iter(cluster.workers.values())).process.process.pid, signal.SIGKILL)
    assert sorted(seen) == sorted(place.name for place in audit.places), "each file once"
    again = weightlens.audit(tmp_path, scheduler=cluster.scheduler_address)
    assert sorted(one.key for one in again) == expected


@pytest.mark.slow
def test_no_scheduler_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "PATIENCE", 0.5)
    with pytest.raises(BadInput, match="there is no Dask scheduler"):
        list(weightlens.audit("sample_models", scheduler="tcp://127.0.0.1:1"))
