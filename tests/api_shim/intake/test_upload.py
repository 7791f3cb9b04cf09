"""What uploads write to Redis: signs of life, their end, and chunks that are worked again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import redis
from pydantic import SecretBytes

from api_shim.intake.batches import upload as upload_module
from api_shim.intake.batches.chunks import ChunkAcceptor, UploadLimits, UploadLostError
from api_shim.intake.batches.upload import Upload, Uploads
from schemas.batch.content import unpack
from schemas.ids import IdDeriver, new_task_id
from schemas.protocol.batch_keys import BATCHES_KEY
from schemas.protocol.keys import record_key
from schemas.protocol.lanes import CHUNKS
from schemas.protocol.message import MessageTemplate
from schemas.protocol.steps.uploading import NewBatch
from schemas.sealing import Sealer, Unsealer, generate_key_pair, parse_key_ring, parse_public_key
from tests.support.batches import Batches
from tests.support.broker import connected, run, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.broker import Brokers

KEYS: Final = generate_key_pair()
ROWS: Final = b"".join(b'{"number": %d}\n' % number for number in range(300))


@asynccontextmanager
async def _uploads(port: int) -> AsyncIterator[Uploads]:
    async with connected(port) as broker:
        acceptor = ChunkAcceptor(
            broker.calls,
            sealer=Sealer(*parse_public_key(KEYS.public_line.encode())),
            ids=IdDeriver(SecretBytes(b"k" * 32)),
            message=MessageTemplate(CHUNKS),
            limits=UploadLimits(
                longest_row_bytes=1000,
                batch_rows=0,
                open_rows=0,
                open_batches=0,
                rate_per_second=0,
                rate_burst=1,
                seconds=4,
                patience_seconds=1,
            ),
            is_ending=lambda: False,
        )
        yield Uploads(broker.calls, acceptor, on_accepted=lambda _rows, _known: None)


async def _begun(uploads: Uploads, **changes: Any) -> Upload:
    fields: dict[str, Any] = {"caller": "me", "name": "one", "mode": "create", "ordered": False, **changes}
    begun = await uploads.begin(NewBatch(batch_id=new_task_id(), **fields), may_import=False)
    assert isinstance(begun, Upload)
    return begun


def test_an_upload_to_which_no_bytes_come_gives_signs_of_life(
    brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = brokers.start()
    monkeypatch.setattr(upload_module, "_KEEP_EVERY_SECONDS", 0.02)

    async def test() -> None:
        with redis.Redis.from_url(server.url) as client:
            async with _uploads(server.port) as uploads:
                begun = await _begun(uploads)
                at_first = client.zscore(BATCHES_KEY, begun.batch.batch_id)
                async with begun.kept():
                    await until(lambda: client.zscore(BATCHES_KEY, begun.batch.batch_id) != at_first, what="it is kept")

    run(test)


def test_an_upload_that_was_ended_as_broken_off_is_told_so(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with redis.Redis.from_url(server.url) as client:
            async with _uploads(server.port) as uploads:
                begun = await _begun(uploads)
                await begun.write(ROWS[: len(ROWS) // 2])
                client.zadd(BATCHES_KEY, {begun.batch.batch_id: 1})
                Batches(client).settle()
                with pytest.raises(UploadLostError):
                    await begun.write(ROWS)
                summary = await begun.break_off(keep_rest=False)
                assert summary is not None
                assert (summary.upload_ended, summary.complete, summary.rows) == (True, False, 0)

    run(test)


def test_rows_that_failed_are_worked_again_under_another_id(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with redis.Redis.from_url(server.url) as client:
            batches = Batches(client)
            async with _uploads(server.port) as uploads:
                worked = []
                for _ in range(3):
                    begun = await _begun(uploads)
                    await begun.write(b'{"number": 1}\n')
                    assert (await begun.finish()).rows == 1
                    task_id = batches.take()
                    assert task_id not in worked
                    worked.append(task_id)
                    batches.started(task_id)
                    batches.finish(task_id, counts={"duplicate_key": 1})
                assert client.llen(CHUNKS.queue) == 0

    run(test)


def test_a_worker_can_open_a_sealed_chunk_and_finds_all_that_it_needs(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with redis.Redis.from_url(server.url) as client:
            async with _uploads(server.port) as uploads:
                begun = await _begun(uploads, mode="validate")
                await begun.write(b'{"a": 1}\n\n' + b"x" * 2000 + b"\n\xef")
                summary = await begun.break_off(keep_rest=True)
                assert summary is not None
                assert summary.rows == 2
            task_id = Batches(client).take()
            sealed = client.hget(record_key(task_id), "sealed")
            assert isinstance(sealed, bytes)
            ring = parse_key_ring(KEYS.private_line.encode())
            content = unpack(Unsealer(ring).unseal(task_id=task_id, envelope=sealed))
            assert (content.caller, content.name, content.mode) == ("me", "one", "validate")
            assert content.batch_id == begun.batch.batch_id
            assert content.rows[0] == b'{"a": 1}'
            assert (content.too_long, content.longest_row_bytes) == ((1,), 1000)

    run(test)


def test_equal_rows_under_one_name_are_the_same_chunk(brokers: Brokers) -> None:
    server = brokers.start()

    async def test() -> None:
        with redis.Redis.from_url(server.url) as client:
            async with _uploads(server.port) as uploads:
                for name, mode in (("one", "create"), ("one", "create"), ("two", "create"), ("one", "validate")):
                    begun = await _begun(uploads, name=name, mode=mode)
                    await begun.write(b"\n" + ROWS)
                    await begun.finish()
                assert client.llen(CHUNKS.queue) == 6

    run(test)
