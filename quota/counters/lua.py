"""The scripts that run inside Redis, and the packing of what goes in and out of them.

Owns the layout of keys, arguments and answers. `TAKE` repeats `quota.limit.refusal`; a property test holds
the two together. All numbers in Lua are doubles, exact to 2**53: time is microseconds, units stay far below.

One subscription is one hash, `sluss:quota:{sub_…}` (the braces place all of it in one Cluster slot), with the
fields `r` (theoretical arrival time of the next call, µs), `d20261121` and `m202611` (units used).
Units that a process took by itself while Redis was away are told as absolute numbers; the field `ad20261121:`
and the process's book says how many of them the sum holds already, so telling them again adds nothing.

`sluss:batch:{process}` holds the number of a process's last batch, the answer to it, and what it took (`UNDO`).
A batch is refused unless its number is higher than that, so it can never run twice, and a lost answer can be asked for
(`SETTLE`). `sluss:epoch` exists once the quotas are complete; an emptied Redis has none, and then nothing may
be taken. It gets another value whenever Redis had been
emptied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final

from quota.limit import DAY, MONTH, RATE
from quota.window import Windows

EPOCH_KEY: Final = b"sluss:epoch"

# First byte of the answer to TAKE. Only TAKEN and DONE changed anything.
ANSWERED: Final = ord("T")
LOST: Final = ord("L")  # no epoch: Redis is empty
ROLLED_BACK: Final = ord("R")  # an earlier batch of ours is gone
FENCED: Final = ord("D")  # this batch was given up before it arrived
CLOCK: Final = ord("C")  # Redis's time is outside the windows it was given

NOT_RUN: Final = {
    LOST: "Redis is empty",
    ROLLED_BACK: "Redis was set back",
    FENCED: "a batch came after it was given up",
    CLOCK: "Redis's clock is more than a day from ours",
}

# Kinds of items in a batch.
CALL: Final = 1
CHANGE_DAY: Final = 2
CHANGE_MONTH: Final = 3
TELL_DAY: Final = 4
TELL_MONTH: Final = 5
TELLS: Final = (TELL_DAY, TELL_MONTH)

REFUSED_BY: Final = ("", RATE, DAY, MONTH)

_item = Struct("<HBqqqqq")
_window = Struct("<qqqqq")
_head = Struct("<BqB")
_verdict = Struct("<Bqqq")

TAKE: Final = """
local SECOND, SEVENTY_DAYS, TWO_DAYS, LINE = 1000000, 6048000, 172800, string.char(10)
if redis.call('EXISTS', KEYS[1]) == 0 then return 'L' end
local number, before = tonumber(ARGV[1]), tonumber(ARGV[2])
local last = redis.call('GETRANGE', KEYS[2], 0, 7)
last = #last == 8 and struct.unpack('<i8', last) or 0
if last >= number then return 'D' end
if last < before then return 'R' end
local now = tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = time[1] * SECOND + time[2]
end
local row, day, month, kept_day, kept_month
for i = 1, 3 do
  local from, day_end, day_id, _, month_id = struct.unpack('<i8i8i8i8i8', ARGV[3], i * 40 - 39)
  if i == 1 then kept_day, kept_month = day_id, month_id end
  if now >= from * SECOND and now < day_end * SECOND then
    row, day, month = i, string.format('d%d', day_id), string.format('m%d', month_id)
  end
end
if not row then return 'C' end

local function prune(key)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local kind, id = string.match(field, '^a?(%a)(%d+)')
    id = tonumber(id)
    if (kind == 'd' and id < kept_day) or (kind == 'm' and id < kept_month) then
      redis.call('HDEL', key, field)
    end
  end
  redis.call('EXPIRE', key, SEVENTY_DAYS)
end

local function account_of(k)
  local found = redis.call('HMGET', KEYS[k], 'r', day, month)
  local arrival, day_used, month_used = tonumber(found[1]), tonumber(found[2]), tonumber(found[3])
  return {arrival = arrival or 0, day = day_used or 0, month = month_used or 0, new = not day_used}
end

local function whole(number) return string.format('%.0f', number) end

local accounts, out, items, at = {}, {struct.pack('<Bi8B', 84, now, row - 1)}, ARGV[4], 1
while at <= #items do
  local k, kind, units, a, b, c, d
  k, kind, units, a, b, c, d, at = struct.unpack('<HBi8i8i8i8i8', items, at)
  if kind == 1 then
    local account = accounts[k] or account_of(k)
    accounts[k] = account
    if account.arrival - now > b then account.arrival, account.changed = now + b, true end
    local backlog, refused = math.max(0, account.arrival - now), 0
    if d >= 0 and account.month + units > d then refused = 3
    elseif c >= 0 and account.day + units > c then refused = 2
    elseif backlog + a > b then refused = 1
    else
      backlog = backlog + a
      account.arrival, account.changed = now + backlog, true
      account.day, account.month = account.day + units, account.month + units
    end
    out[#out + 1] = struct.pack('<Bi8i8i8', refused, backlog, account.day, account.month)
  else
    local field = string.format(kind % 2 == 0 and 'd%d' or 'm%d', a)
    if kind > 3 then
      local mark = 'a' .. field .. ':' .. ARGV[6]
      local told = tonumber(redis.call('HGET', KEYS[k], mark)) or 0
      redis.call('HSET', KEYS[k], mark, whole(units))
      units = units - told
    end
    local used = tonumber(redis.call('HGET', KEYS[k], field)) or 0
    redis.call('HSET', KEYS[k], field, whole(math.max(0, used + units)))
    redis.call('EXPIRE', KEYS[k], SEVENTY_DAYS)
  end
end
for k, account in pairs(accounts) do
  if account.changed then
    redis.call('HSET', KEYS[k], 'r', whole(account.arrival), day, whole(account.day), month, whole(account.month))
    if account.new then prune(KEYS[k]) end
  end
end
local answer, names = table.concat(out), day .. LINE .. month .. LINE .. table.concat(KEYS, LINE, 3)
redis.call('SET', KEYS[2], struct.pack('<i8I4I4', number, #answer, #names) .. answer .. names .. items, 'EX', TWO_DAYS)
return answer
"""

# What became of batch ARGV[1]: its answer, or '' when it never ran; and from now on it never will.
SETTLE: Final = """
local held = redis.call('GET', KEYS[1]) or ''
local last = #held >= 8 and struct.unpack('<i8', held) or 0
if last == tonumber(ARGV[1]) and #held > 16 then return string.sub(held, 17, 16 + struct.unpack('<I4', held, 9)) end
if last < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], struct.pack('<i8', ARGV[1]), 'EX', 172800) end
return ''
"""

# Give back what the last batch of a process that died took for calls it never began: all of them when it had not
# read the answer (ARGV[1]: the last batch whose answer it had), else those after the first ARGV[2]. Once.
UNDO: Final = """
local held = redis.call('GET', KEYS[1]) or ''
if #held <= 16 then return 'OK' end
local number, answered, named = struct.unpack('<i8I4I4', held)
local begun = number == tonumber(ARGV[1]) and tonumber(ARGV[2]) or 0
if number >= tonumber(ARGV[1]) then
  local names, items = {}, string.sub(held, 17 + answered + named)
  for name in string.gmatch(string.sub(held, 17 + answered, 16 + answered + named), '%C+') do
    names[#names + 1] = name
  end
  local at, call, k, kind, units, _ = 1, 0
  while at <= #items do
    k, kind, units, _, _, _, _, at = struct.unpack('<HBi8i8i8i8i8', items, at)
    if kind == 1 then
      if call >= begun and string.byte(held, 27 + call * 25) == 0 then
        for i = 1, 2 do
          local used = tonumber(redis.call('HGET', names[k], names[i])) or 0
          redis.call('HSET', names[k], names[i], string.format('%.0f', math.max(0, used - units)))
        end
      end
      call = call + 1
    end
  end
end
redis.call('SET', KEYS[1], string.sub(held, 1, 8), 'EX', 172800)
return 'OK'
"""

# At least so many units are used. ARGV: the fields of day, month and of what this book has told of each; then for
# each key the units of day and month, and what of them it need not tell any more.
RAISE: Final = """
for i, key in ipairs(KEYS) do
  for j = 1, 2 do
    local units, told = tonumber(ARGV[i * 4 + j]), ARGV[i * 4 + j + 2]
    if units > (tonumber(redis.call('HGET', key, ARGV[j])) or 0) then
      redis.call('HSET', key, ARGV[j], ARGV[i * 4 + j])
    end
    if told ~= '0' then redis.call('HSET', key, ARGV[j + 2], told) else redis.call('HDEL', key, ARGV[j + 2]) end
  end
  redis.call('EXPIRE', key, 6048000)
end
return 'OK'
"""


def quota_key(subscription_id: str) -> bytes:
    """The hash of one subscription."""
    return b"sluss:quota:{%s}" % subscription_id.encode()


def batch_key(process: str) -> bytes:
    """Where the number and the answer of a process's last batch stand."""
    return b"sluss:batch:{%s}" % process.encode()


def pack_call(key: int, units: int, limits: tuple[int, int, int, int]) -> bytes:
    """One call. `limits`: emission and depth in µs, units per day and month that refuse (−1: none do)."""
    return _item.pack(key, CALL, units, *limits)


def pack_change(key: int, kind: int, units: int, window_id: int) -> bytes:
    """Units added to (or, negative, taken from) one window, whatever the limits say; or told, as an absolute number."""
    return _item.pack(key, kind, units, window_id, 0, 0, 0)


def pack_windows(rows: Sequence[Windows]) -> bytes:
    """Yesterday, today, tomorrow."""
    return b"".join(
        _window.pack(row.day_start, row.day_end, row.day_id, row.month_start, row.month_id) for row in rows
    )


def pack_raise(windows: Windows, book: bytes, rows: Iterable[tuple[int, int, int, int]]) -> list[bytes]:
    """Arguments of `RAISE`: for each key units of day and month, and what of them `book` need not tell."""
    fields = (b"d%d" % windows.day_id, b"m%d" % windows.month_id)
    marks = (b"a%b:%b" % (field, book) for field in fields)
    return [*fields, *marks, *(b"%d" % units for row in rows for units in row)]


def unpack_answer(answer: bytes) -> tuple[int, int, Iterable[tuple[int, int, int, int]]]:
    """Time in µs, row of the windows, and for each call: refused by, backlog µs, units of day and month
    after.
    """
    _, now_us, row = _head.unpack_from(answer)
    return now_us, row, _verdict.iter_unpack(memoryview(answer)[_head.size :])
