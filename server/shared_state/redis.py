"""What the workers of several hosts keep together, in a Redis."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from server.runtime.native_calls import Pool, Stuck
from server.shared_state.changes import (
    ALL_MADE,
    LONGEST_LEASE_S,
    MAX_LEASES,
    MEMORY_S,
    OUTCOME_S,
    WITHIN_S,
    Change,
    First,
    Forget,
    Lease,
    Made,
    Offer,
    Put,
    Release,
    Remember,
    Renew,
)
from server.shared_state.pools import HOSTS, IN_NONE, Share

REDIS_TIMEOUT_S = 0.25  # to connect, and for each part of an answer
THREADS = 8

# ARGV: the changes as JSON, the most places of a pool, the longest a place may last in ms. The answer: the
# number of the change that was refused (0: none), and the pool that was full.
CHANGE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local bound, longest = tonumber(ARGV[2]), tonumber(ARGV[3])

local function held(name)
  redis.call('ZREMRANGEBYSCORE', name, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', name, '(' .. now + longest, '+inf')
  return redis.call('ZCARD', name)
end

local function full(name, most, call)
  local calls = held(name)
  return most > 0 and not redis.call('ZSCORE', name, call) and calls >= most
end

-- Calls of the other hosts that take some; how many those take (false: any number); who has this call.
local function others(asked, call)
  local calls, room, has = 0, 0, false
  for _, host in ipairs(redis.call('ZRANGE', asked.hosts, 0, -1)) do
    local name = asked.leases .. host
    if name ~= asked.host then
      local theirs, most = held(name), tonumber(redis.call('GET', asked.offer_of .. host) or 0)
      has = has or redis.call('ZSCORE', name, call)
      if tonumber(redis.call('ZSCORE', asked.hosts, host)) > now then
        calls = calls + theirs
        room = room and most > 0 and room + most
      end
    end
  end
  return calls, room, has
end

local function hosts_full(asked, call)
  local here = held(asked.host)
  if asked.most == 0 or redis.call('ZSCORE', asked.host, call) then return false end
  local calls, room, has = others(asked, call)
  return room and not has and here + calls >= asked.most + room
end

-- Some calls at a time: Lua's stack takes no 8,000 words.
local function only_here(asked)
  for _, host in ipairs(redis.call('ZRANGE', asked.hosts, 0, -1)) do
    local name = asked.leases .. host
    for first = 1, name ~= asked.host and #asked.calls or 0, 1000 do
      redis.call('ZREM', name, unpack(asked.calls, first, math.min(first + 999, #asked.calls)))
    end
  end
end

-- It was taken up there.
local function elsewhere(asked)
  for _, host in ipairs(redis.call('ZRANGE', asked.hosts, 0, -1)) do
    local name = asked.leases .. host
    local ends = name ~= asked.host and redis.call('ZSCORE', name, asked.call)
    if ends and tonumber(ends) > now then return true end
  end
  return false
end

local function place(name, call, for_ms)
  redis.call('ZADD', name, now + for_ms, call)
  redis.call('ZREMRANGEBYRANK', name, 0, -1 - bound)
  redis.call('PEXPIREAT', name, redis.call('ZREVRANGE', name, 0, 0, 'WITHSCORES')[2])
end

local make = {}

function make.first(asked)
  return redis.call('SET', asked.key, 1, 'NX', 'PX', asked.for_ms)
end

function make.put(asked)
  return redis.call('SET', asked.key, asked.value, 'PX', asked.for_ms)
end

function make.forget(asked)
  redis.call('DEL', asked.key)
  return true
end

function make.lease(asked)
  for _, call in ipairs(asked.calls) do
    local share = asked.share ~= '' and asked.share or redis.call('GET', asked.share_of .. call)
    if share and full(share, asked.share_most, call) then return false, share end
    if hosts_full(asked, call) then return false, asked.host end
    place(asked.host, call, asked.for_ms)
    if share then
      place(share, call, asked.for_ms)
      redis.call('SET', asked.share_of .. call, share, 'PX', asked.for_ms)
    end
  end
  if asked.moves then only_here(asked) end
  return true
end

function make.offer(asked)
  for _, host in ipairs(redis.call('ZRANGEBYSCORE', asked.hosts, '-inf', now - longest)) do
    if held(asked.leases .. host) == 0 then redis.call('ZREM', asked.hosts, host) end
  end
  redis.call('ZREMRANGEBYSCORE', asked.hosts, '(' .. now + longest, '+inf')
  redis.call('ZADD', asked.hosts, now + asked.for_ms, asked.host)
  redis.call('PEXPIRE', asked.hosts, 2 * longest)
  redis.call('SET', asked.offer_of .. asked.host, asked.most, 'PX', 2 * longest)
  return true
end

function make.release(asked)
  local share = redis.call('GET', asked.share_of .. asked.call)
  redis.call('ZREM', asked.host, asked.call)
  if share and not elsewhere(asked) then redis.call('ZREM', share, asked.call) end
  return true
end

for number, asked in ipairs(cjson.decode(ARGV[1])) do
  local made, pool = make[asked.change](asked)
  if not made then return {number, pool or ''} end
end
return {0, ''}
"""
LEASED = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZCOUNT', KEYS[1], '(' .. now, now + ARGV[1])
"""

HOLDERS = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, now + ARGV[1])
"""


class RedisStore:
    """A ``state.Store``. The server forgets by itself, and its clock alone counts. Any thread.

    Every operation connects anew: a connection that was kept could be a dead one, just when it is needed.
    Raises ``Stuck`` (a TimeoutError) after WITHIN_S: the client's own bound holds for one part of an answer,
    and not for the look-up of a name.
    The leases of a host, or a share, are one sorted set, by the millisecond in which they end; MAX_LEASES
    bounds it. In which share a call is, is kept with it: who renews or releases it need not know. Which hosts
    take calls is another such set.
    """

    name = "REDIS_URL"
    renewed = False  # one that has lost all it knew does not say so

    def __init__(self, url: str) -> None:
        import redis  # now: when a call ends there is no time to load it

        from server.shared_state.redis_tls import options

        self._connect = partial(redis.Redis.from_url, url, **options(url, REDIS_TIMEOUT_S))
        self._pool = Pool("the server", THREADS, by_sockets=True)

    def change(self, *changes: Change) -> Made:
        words = (json.dumps([_told(change) for change in changes]), MAX_LEASES, _ms(LONGEST_LEASE_S))
        number, pool = self._ask(lambda client: client.eval(CHANGE, 0, *words))
        if not number:
            return ALL_MADE
        return Made(changes[number - 1], pool.decode().removeprefix(_key("leases", "")))

    def get(self, key: str) -> str | None:
        value = self._ask(lambda client: client.get(_key("outcome", key)))
        return None if value is None else str(value.decode())

    def memory(self, key: str) -> str | None:
        value = self._ask(lambda client: client.get(_key("memory", key)))
        return None if value is None else str(value.decode())

    def leased(self, pool: str) -> int:
        key, longest = _key("leases", pool), _ms(LONGEST_LEASE_S)
        return int(self._ask(lambda client: client.eval(LEASED, 1, key, longest)))

    def holders(self, pool: str) -> frozenset[str]:
        key, longest = _key("leases", pool), _ms(LONGEST_LEASE_S)
        held = self._ask(lambda client: client.eval(HOLDERS, 1, key, longest))
        return frozenset(call_sid.decode() for call_sid in held)

    def knows(self, key: str) -> bool:
        return bool(self._ask(lambda client: client.exists(_key("key", key))))

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """What the client answers."""
        client = self._connect()  # nothing is opened yet

        def ask() -> Any:
            with client:
                return question(client)

        try:
            return self._pool.run(WITHIN_S, ask)
        except Stuck:
            client.connection_pool.disconnect()  # else a byte now and then would hold its place for ever
            raise


def _key(kind: str, name: str) -> str:
    return f"phone_agent:{kind}:{name}"


# Where the script finds which hosts there are, what each has, and what each takes.
AMONG_HOSTS = {"hosts": _key("leases", HOSTS), "leases": _key("leases", ""), "offer_of": _key("offer", "")}


def _told(change: Change) -> dict[str, object]:
    """As the script reads it."""
    match change:
        case First(key, for_s):
            return {"change": "first", "key": _key("key", key), "for_ms": _ms(for_s)}
        case Put(key, value):
            return {"change": "put", "key": _key("outcome", key), "value": value, "for_ms": _ms(OUTCOME_S)}
        case Remember(key, value):
            return {"change": "put", "key": _key("memory", key), "value": value, "for_ms": _ms(MEMORY_S)}
        case Forget(key):
            return {"change": "forget", "key": _key("memory", key)}
        case Lease(host, call_sid, most, for_s, share):
            return _lease(host, (call_sid,), most, for_s, share)
        case Renew(host, call_sids, for_s):
            return _lease(host, call_sids, 0, for_s, IN_NONE) | {"moves": True}
        case Offer(host, most, for_s):
            return {"change": "offer", "host": host, "most": most, "for_ms": _ms(for_s)} | AMONG_HOSTS
        case Release(host, call_sid):
            where = {"host": _key("leases", host), "share_of": _key("share-of", "")} | AMONG_HOSTS
            return {"change": "release", "call": call_sid, **where}


def _lease(host: str, calls: tuple[str, ...], most: int, for_s: float, share: Share) -> dict[str, object]:
    return {
        "change": "lease",
        "host": _key("leases", host),
        "calls": calls,
        "most": most,
        "share": _key("leases", share.name) if share.name else "",
        "share_most": share.most,
        "share_of": _key("share-of", ""),
        "for_ms": _ms(for_s),
        "moves": False,
    } | AMONG_HOSTS


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
