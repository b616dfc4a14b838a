-- The waiting line of one caller and kind: who may start, who waits, who is next. Atomic; the time is Redis's own, so
-- that machines need not agree on one.
--
-- KEYS: 1 the line; its parts are this name and a suffix, and its name holds a {hash tag}, so that they live together
--         :order    sorted set, waiting member → when it came (µs, strictly rising)
--         :expiry   sorted set, waiting member → when it is given up (ms)
--         :running  sorted set, member → when it is given up (ms)
--         :state    hash: next (ms, no start before), last (who started last), mean (ms that one takes)
--         :TOKEN:next, :TOKEN:last, :TOKEN:running   the same for a token with limits of its own
--       2 what is made, "" when nobody may share it: string, the member that makes it, or for a while the record of it
--       3 (leave, may be missing) a stream
-- ARGV: 1 what is wanted   2 member   3 ms between two starts   4 so many at once   5 so many in all, waiting or running
--       6 ms until a silent member is given up   7 prefix of the channels that members hear on
--       8 s after which what is made is nobody's any more, unless it is renewed
--       leave: 9 ms that it ran, or -1   10 "1" when the start was not used   11 a record (JSON) for the stream
--         12 the stream's length   13 s for which whoever asks for the same is given the record, 0 for not at all
-- A member is DESK.NUMBER, or DESK.NUMBER/TOKEN/ms between two starts/so many at once when its token has own limits.
--
-- step  {1, 0, 0, free places, ms to the next start}        it runs
--       {0, ms to wait, position, free places, ms until it should ask again unless it is called before}
--       {-1, ms until it makes sense, how many are there, free places, 0}       there is no place
--       {2, 0, 0, 0, 0, member}   the same is being made by that member: neither place nor start is taken
--       {3, 0, 0, 0, 0, record}   the same has just been made: neither place nor start is taken
-- renew {1} · leave {1 if it ran, 0 if it waited or was gone} · look as step, but nothing changes
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local line, wanted, member = KEYS[1], ARGV[1], ARGV[2]
local interval, concurrency, places, patience = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local order, expiry, running, state = line .. ':order', line .. ':expiry', line .. ':running', line .. ':state'
local kept = math.max(interval * 2, patience * 4)

local function own(of)
  local token, every, most = string.match(of, '/([^/]+)/(%d+)/(%d+)$')
  return token, tonumber(every or 0), tonumber(most or 0)
end

-- From when on the token of a member lets it start: 0 without own limits, math.huge while too many of its own run.
local gates = {}
local function gate(of)
  local token, every, most = own(of)
  if not token then return 0 end
  if not gates[token] then
    local at = every > 0 and tonumber(redis.call('GET', line .. ':' .. token .. ':next') or 0) or 0
    if most > 0 then
      local theirs = line .. ':' .. token .. ':running'
      redis.call('ZREMRANGEBYSCORE', theirs, '-inf', now)
      if redis.call('ZCARD', theirs) >= most then at = math.huge end
    end
    gates[token] = at
  end
  return gates[token]
end

-- Call whoever is next, and say in how many ms it may start: the first whom nothing but time keeps back, and the next
-- one of the token whose place or turn has become free.
local function call(token)
  gates = {}
  if redis.call('ZCARD', running) >= concurrency then return end
  local opens = math.max(tonumber(redis.call('HGET', state, 'next') or 0), now)
  local anyone, sibling = false, not token
  for _, one in ipairs(redis.call('ZRANGE', order, 0, -1)) do
    local at = gate(one)
    local related = token and own(one) == token
    if not anyone and at <= opens then
      anyone = true
      sibling = sibling or related
      redis.call('PUBLISH', ARGV[7] .. string.match(one, '^[^.]+'), one .. ' ' .. (opens - now))
    elseif not sibling and related and at < math.huge then
      sibling = true
      redis.call('PUBLISH', ARGV[7] .. string.match(one, '^[^.]+'), one .. ' ' .. (math.max(at, opens) - now))
    end
    if anyone and sibling then return end
  end
end

local function run(token)
  redis.call('ZADD', running, now + patience, member)
  redis.call('PEXPIRE', running, patience * 2)
  if token then
    local theirs = line .. ':' .. token .. ':running'
    redis.call('ZADD', theirs, now + patience, member)
    redis.call('PEXPIRE', theirs, patience * 2)
  end
end

local token, every, most = own(member)

-- How many more may start at once, by the token's own limit too.
local function left(free)
  if most == 0 then return free end
  return math.max(math.min(free, most - redis.call('ZCARD', line .. ':' .. token .. ':running')), 0)
end

-- What is made, and by whom.
local made, lease = KEYS[2], ARGV[8]
local maker = made ~= '' and redis.call('GET', made)

if wanted == 'renew' then
  run(token)
  if maker == member then redis.call('EXPIRE', made, lease) end
  return {1}
end

-- Whoever was silent is given up.
redis.call('ZREMRANGEBYSCORE', running, '-inf', now)
local waiting = redis.call('ZCARD', order)
if waiting > 0 then
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', now)) do
    redis.call('ZREM', expiry, gone)
    waiting = waiting - redis.call('ZREM', order, gone)
  end
end

if wanted == 'leave' then
  if ARGV[11] then redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[12], '*', 'r', ARGV[11]) end
  if maker == member then
    if tonumber(ARGV[13] or 0) > 0 then
      redis.call('SET', made, ARGV[11], 'EX', ARGV[13])
    else
      redis.call('DEL', made)
    end
  end
  local ran = redis.call('ZREM', running, member)
  if token then redis.call('ZREM', line .. ':' .. token .. ':running', member) end
  if ran == 0 then
    waiting = waiting - redis.call('ZREM', order, member)
    redis.call('ZREM', expiry, member)
  elseif ARGV[10] == '1' then
    if redis.call('HGET', state, 'last') == member then redis.call('HDEL', state, 'next', 'last') end
    if token and redis.call('GET', line .. ':' .. token .. ':last') == member then
      redis.call('DEL', line .. ':' .. token .. ':next', line .. ':' .. token .. ':last')
    end
  elseif tonumber(ARGV[9]) >= 0 then
    local mean = tonumber(redis.call('HGET', state, 'mean') or ARGV[9])
    redis.call('HSET', state, 'mean', math.floor(mean * 0.8 + tonumber(ARGV[9]) * 0.2))
    redis.call('PEXPIRE', state, kept)
  end
  if waiting > 0 then call(token) end
  return {ran}
end

local looks = wanted == 'look'
if maker and maker ~= member and not looks then
  if waiting > 0 and redis.call('ZREM', order, member) == 1 then
    redis.call('ZREM', expiry, member)
    if waiting > 1 then call(token) end
  end
  return {string.sub(maker, 1, 1) == '{' and 3 or 2, 0, 0, 0, 0, maker}
end
if redis.call('ZSCORE', running, member) then
  if not looks then run(token) end
  return {1, 0, 0, left(concurrency - redis.call('ZCARD', running)), 0}
end

local count = redis.call('ZCARD', running)
local free = math.max(concurrency - count, 0)
local known = redis.call('HMGET', state, 'next', 'mean')
local opens, mean = math.max(tonumber(known[1] or 0), now), tonumber(known[2] or 0)
local stands = waiting > 0 and redis.call('ZSCORE', order, member)
local mine = gate(member)

if not stands and not looks then
  local full = waiting + count >= places
  if not full and most > 0 then
    local related = redis.call('ZCARD', line .. ':' .. token .. ':running')
    if waiting > 0 then
      for _, one in ipairs(redis.call('ZRANGE', order, 0, -1)) do
        if own(one) == token then related = related + 1 end
      end
    end
    full = related >= most * 5
  end
  if full then return {-1, math.max(opens - now, math.floor(mean), 1000), waiting + count, left(free), 0} end
end

-- Is there room for all before it who could start as well, and for it? Where starts are apart, and among those of a token
-- with limits of its own, it is one after the other.
local first, ahead = true, 0
if waiting > 0 and free > 0 then
  for _, one in ipairs(redis.call('ZRANGE', order, 0, -1)) do
    if one == member then break end
    if gate(one) <= opens then
      ahead = ahead + 1
      if interval > 0 or ahead >= free or (token and own(one) == token) then
        first = false
        break
      end
    end
  end
end

if first and free > 0 and opens <= now and mine <= now and not looks then
  if stands then
    redis.call('ZREM', order, member)
    redis.call('ZREM', expiry, member)
    waiting = waiting - 1
  end
  run(token)
  if made ~= '' then redis.call('SET', made, member, 'EX', lease) end
  if interval > 0 then
    redis.call('HSET', state, 'next', now + interval, 'last', member)
    redis.call('PEXPIRE', state, kept)
  end
  if token and every > 0 then
    redis.call('SET', line .. ':' .. token .. ':next', now + every, 'PX', every + patience)
    redis.call('SET', line .. ':' .. token .. ':last', member, 'PX', every + patience)
  end
  if waiting > 0 then call(token) end
  return {1, 0, 0, left(free - 1), math.max(interval, every)}
end

if not stands and not looks then
  local newest = redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')
  redis.call('ZADD', order, math.max(t[1] * 1000000 + t[2], tonumber(newest[2] or 0) + 1), member)
end
if not looks then
  redis.call('ZADD', expiry, now + patience, member)
  redis.call('PEXPIRE', order, patience * 2)
  redis.call('PEXPIRE', expiry, patience * 2)
  redis.call('PEXPIRE', state, kept)
end
local before = redis.call('ZRANK', order, member) or waiting
local wait = opens - now + before * interval
if mean > 0 and before + 1 > free then
  wait = math.max(wait, math.floor(math.ceil((before + 1 - free) / concurrency) * mean))
end
if mine < math.huge then wait = math.max(wait, mine - now) end

-- When its own clock tells it more than anybody will: at its start if only time keeps it back, or when the next silent
-- one is given up; in any case before it would be given up itself.
local again = patience / 3
for _, key in ipairs({running, expiry}) do
  local next_gone = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if next_gone[2] then again = math.min(again, tonumber(next_gone[2]) - now + 1) end
end
if first and free > 0 then
  again = math.min(again, math.max(opens, mine) - now)
elseif mine > now then
  again = math.min(again, mine - now)
end
return {0, wait, before + 1, left(free), math.max(again, 1)}
