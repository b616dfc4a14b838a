-- One step in the waiting line of a caller. Atomic; the time is Redis's own, so that machines need not agree on one.
--
-- KEYS: 1 order (sorted set: member → number of arrival)   2 expiry (sorted set: waiting member → when it is given up)
--       3 running (sorted set: member → when it is given up)   4 last start (milliseconds)   5 counter of arrivals
-- ARGV: 1 member   2 interval in ms   3 concurrency   4 places in the line   5 ms until a silent member is given up
-- Answer: {1, 0, remaining starts in flight} may start · {0, ms to wait, position} stays in line · {-1, ms, length} line is full
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local member, interval, concurrency, places, patience = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('ZREM', KEYS[2], gone)
end
if redis.call('ZSCORE', KEYS[3], member) then
  redis.call('ZADD', KEYS[3], now + patience, member)
  return {1, 0, 0}
end

local running = redis.call('ZCARD', KEYS[3])
if not redis.call('ZSCORE', KEYS[1], member) then
  local length = redis.call('ZCARD', KEYS[1])
  if length + running >= places then
    return {-1, math.max(interval, 1000), length + running}
  end
  redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[5]), member)
end

local position = redis.call('ZRANK', KEYS[1], member)
local since = now - tonumber(redis.call('GET', KEYS[4]) or '0')
local answer
if position == 0 and running < concurrency and since >= interval then
  redis.call('ZREM', KEYS[1], member)
  redis.call('ZREM', KEYS[2], member)
  redis.call('ZADD', KEYS[3], now + patience, member)
  redis.call('SET', KEYS[4], now, 'PX', math.max(interval, 1000) + 60000)
  answer = {1, 0, concurrency - running - 1}
else
  local wait = math.max(interval - since, 0) + position * interval
  redis.call('ZADD', KEYS[2], now + patience, member)
  answer = {0, wait, position + 1}
end
for i = 1, 5 do
  if i ~= 4 then redis.call('PEXPIRE', KEYS[i], math.max(interval * 2, patience * 4)) end
end
return answer
