"""A store, asked for one thing at a time."""

from typing import Any

from server.shared_state.changes import First, Forget, Lease, Put, Release, Remember, Renew
from server.shared_state.memory import MemoryStore
from server.shared_state.pools import IN_NONE, Share
from server.shared_state.redis import RedisStore
from server.shared_state.sqlite import SqliteStore


class _OneByOne:
    change: Any

    def put(self, key: str, value: str) -> None:
        assert self.change(Put(key, value))

    def remember(self, key: str, words: str) -> None:
        assert self.change(Remember(key, words))

    def forget(self, key: str) -> None:
        assert self.change(Forget(key))

    def first_time(self, key: str, for_s: float) -> bool:
        return bool(self.change(First(key, for_s)))

    def lease(self, host: str, call_sid: str, most: int, for_s: float, share: Share = IN_NONE) -> bool:
        return bool(self.change(Lease(host, call_sid, most, for_s, share)))

    def renew(self, host: str, call_sids: list[str], for_s: float) -> None:
        assert self.change(Renew(host, tuple(call_sids), for_s))

    def release(self, host: str, call_sid: str) -> None:
        assert self.change(Release(host, call_sid))


class Memory(_OneByOne, MemoryStore): ...


class File(_OneByOne, SqliteStore): ...


class OfRedis(_OneByOne, RedisStore): ...


Asked = Memory | File | OfRedis
