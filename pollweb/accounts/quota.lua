-- What a team and its tokens used this month, in requests and in money: what was counted in the ledger, and what is held
-- for requests that are on their way. Atomic; the time is Redis's own.
--
-- KEYS: 1 used      hash of one month: "team", TOKEN → requests in the ledger; "team:cost", "TOKEN:cost" → what they
--                   cost, in millionths; "loading" → who reads it at present
--       2 held      sorted set, ID|TOKEN|UNITS|COST → when it is given up (ms)
--       3 counted   set of those whose request the ledger had counted already when it was last read
--       4 refused   set of the limits at which a request of this month was refused: "WHOSE:WHAT:LIMIT"
-- ARGV: 1 what is wanted   2 ID   3 TOKEN ("0": none)   4 UNITS   5 COST, at most   then
--       reserve: 6 ms until a hold that nobody ends is given up   7 the team's quota   8 the token's
--                9 the team's budget   10 the token's (-1: none)
--       settle:  6 what it cost in the end
--       load:    6 the team's requests   7 their cost   8 the token's requests   9 their cost   10 seconds to keep them
--                11… members counted there
-- reserve {1} held · {0, used, limit, 1 when it is the token's, 1 when it is money}   nothing is held
--         {-1} read the ledger first
-- settle, release {1} done · {0} it was done before, or is not known
-- begin   {1, member, …} what is held while ID reads the ledger · {0} somebody else reads it   · load {1} or {0}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local used, held, counted, refused = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local wanted, id, token, units, cost = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local member = id .. '|' .. token .. '|' .. ARGV[4] .. '|' .. ARGV[5]

if wanted == 'reserve' then
  redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
  if redis.call('ZSCORE', held, member) then return {1} end
  local ledger = redis.call('HMGET', used, 'team', 'team:cost', token, token .. ':cost')
  if not ledger[1] or not ledger[2] or (token ~= '0' and not ledger[3]) then return {-1} end
  local team, spent = tonumber(ledger[1]), tonumber(ledger[2])
  local own, own_spent = tonumber(ledger[3] or 0), tonumber(ledger[4] or 0)
  for _, one in ipairs(redis.call('ZRANGE', held, 0, -1)) do
    local theirs, n, dear = string.match(one, '|([^|]*)|(%d+)|(%d+)$')
    team, spent = team + n, spent + dear
    if theirs == token then own, own_spent = own + n, own_spent + dear end
  end
  -- The token's own limits first: its holder can do something about them.
  local limits = {
    {own, units, ARGV[8], 1, 0, token .. ':requests:'},
    {team, units, ARGV[7], 0, 0, 'team:requests:'},
    {own_spent, cost, ARGV[10], 1, 1, token .. ':cost:'},
    {spent, cost, ARGV[9], 0, 1, 'team:cost:'},
  }
  for _, one in ipairs(limits) do
    local limit = tonumber(one[3])
    -- What costs nothing is never too dear.
    if limit >= 0 and one[2] > 0 and one[1] + one[2] > limit then
      redis.call('SADD', refused, one[6] .. one[3])
      redis.call('EXPIRE', refused, 2678400)
      return {0, one[1], limit, one[4], one[5]}
    end
  end
  redis.call('ZADD', held, now + tonumber(ARGV[6]), member)
  redis.call('PEXPIREAT', held, redis.call('ZRANGE', held, -1, -1, 'WITHSCORES')[2])
  return {1}
end

if wanted == 'settle' then
  if redis.call('ZREM', held, member) == 1 then
    if redis.call('HEXISTS', used, 'team') == 1 then
      redis.call('HINCRBY', used, 'team', units)
      redis.call('HINCRBY', used, 'team:cost', ARGV[6])
    end
    if redis.call('HEXISTS', used, token) == 1 then
      redis.call('HINCRBY', used, token, units)
      redis.call('HINCRBY', used, token .. ':cost', ARGV[6])
    end
    return {1}
  end
  -- Counted when the ledger was read; or its hold was lost, and only the ledger knows what is true.
  if redis.call('SREM', counted, member) == 0 then redis.call('DEL', used) end
  return {0}
end

if wanted == 'release' then return {redis.call('ZREM', held, member)} end

if wanted == 'begin' then
  if redis.call('HGET', used, 'loading') and redis.call('PTTL', used) > 0 then return {0} end
  redis.call('DEL', used)
  redis.call('HSET', used, 'loading', id)
  redis.call('PEXPIRE', used, 5000)
  redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
  local answer = {1}
  for _, one in ipairs(redis.call('ZRANGE', held, 0, -1)) do answer[#answer + 1] = one end
  return answer
end

if wanted == 'load' then
  if redis.call('HGET', used, 'loading') ~= id then return {0} end
  redis.call('DEL', used)
  redis.call('HSET', used, 'team', ARGV[6], 'team:cost', ARGV[7])
  if token ~= '0' then redis.call('HSET', used, token, ARGV[8], token .. ':cost', ARGV[9]) end
  redis.call('EXPIRE', used, ARGV[10])
  for i = 11, #ARGV do
    if redis.call('ZREM', held, ARGV[i]) == 1 then redis.call('SADD', counted, ARGV[i]) end
  end
  redis.call('EXPIRE', counted, 3600)
  return {1}
end
