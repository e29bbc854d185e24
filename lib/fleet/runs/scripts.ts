/** What Redis does in one step. Each may be told twice, where a connection broke before the answer: the second time changes nothing. */

/**
 * KEYS: the run, its batches. ARGV: the batch, its shards, its pictures, files of many pictures among them. Returns 0 where the run takes no more: it was cancelled.
 */
export const ADD_SHARDS = `
if redis.call('HGET', KEYS[1], 'state') ~= 'submitting' then return 0 end
if redis.call('SADD', KEYS[2], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'shards', ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'left', ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'pictures', ARGV[3])
  redis.call('HINCRBY', KEYS[1], 'files', ARGV[4])
end
return 1
`;

/** KEYS: the run. Returns the shards that are left, -1 where it was cancelled. */
export const END_SUBMITTING = `
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'submitting' and state ~= 'running' then return -1 end
redis.call('HSET', KEYS[1], 'state', 'running')
return tonumber(redis.call('HGET', KEYS[1], 'left') or '0')
`;

/**
 * KEYS: the shards that are done, the run, the shards with failures, the attempts at this one. ARGV: the shard's round, the shard, the
 * round, counts as JSON, seconds. Returns the shards that are left, -1 while there may be more.
 */
export const COMPLETE = `
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('DEL', KEYS[4])
  return -1
end
if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[2], 'left', -1)
  local counts = cjson.decode(ARGV[4])
  for name, count in pairs(counts) do
    if name ~= 'failing' then redis.call('HINCRBY', KEYS[2], name, count) end
  end
  redis.call('HINCRBYFLOAT', KEYS[2], 'seconds', ARGV[5])
  if counts.failing > 0 then redis.call('HSET', KEYS[3], ARGV[2], ARGV[3]) else redis.call('HDEL', KEYS[3], ARGV[2]) end
  redis.call('HINCRBY', KEYS[2], 'lost', math.max(0, redis.call('SCARD', KEYS[4]) - 1))
  redis.call('DEL', KEYS[4])
  redis.call('HDEL', KEYS[2], 'trouble')
end
if redis.call('HGET', KEYS[2], 'state') ~= 'running' then return -1 end
return tonumber(redis.call('HGET', KEYS[2], 'left'))
`;

/**
 * Another state, where the run has one of some. KEYS: the run, the runs that are open, then the keys of the run that end with it. ARGV: its
 * id, the round that is meant or nothing, the states by commas, fields as JSON, seconds that a run that ends is kept or nothing, now.
 * Returns 0 where it is in another state or round.
 */
export const MOVE = `
local state = redis.call('HGET', KEYS[1], 'state')
if not state or not string.find(',' .. ARGV[3] .. ',', ',' .. state .. ',', 1, true) then return 0 end
if ARGV[2] ~= '' and (redis.call('HGET', KEYS[1], 'round') or '0') ~= ARGV[2] then return 0 end
for name, value in pairs(cjson.decode(ARGV[4])) do redis.call('HSET', KEYS[1], name, value) end
if ARGV[5] == '' then return 1 end
redis.call('HSET', KEYS[1], 'endedAt', ARGV[6])
redis.call('SREM', KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
for i = 3, #KEYS do redis.call('EXPIRE', KEYS[i], ARGV[5]) end
return 1
`;

/**
 * A run that has ended goes on. KEYS: the run, the runs that are open, its refusals, then its other keys. ARGV: its id, the round that
 * begins, the shards of it. Returns 0 where another one was faster.
 */
export const REOPEN = `
if redis.call('HEXISTS', KEYS[1], 'endedAt') == 0 then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'round') or '0') + 1 ~= tonumber(ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[1], 'endedAt', 'error', 'summary')
redis.call('HSET', KEYS[1], 'state', 'running', 'round', ARGV[2], 'left', ARGV[3], 'paused', 0)
redis.call('DEL', KEYS[3])
redis.call('PERSIST', KEYS[1])
for i = 4, #KEYS do redis.call('PERSIST', KEYS[i]) end
redis.call('SADD', KEYS[2], ARGV[1])
return 1
`;

/** KEYS: the run, a hash of it. ARGV: fields and values. The hash is kept as long as the run; nothing is written of a run that is no more. */
export const SET = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV))
local left = redis.call('TTL', KEYS[1])
if left > 0 then redis.call('EXPIRE', KEYS[2], left) end
return 1
`;

/** KEYS: the run. ARGV: what the run's results depend on. Returns what was told first. */
export const DEPEND = `
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSETNX', KEYS[1], 'depends', ARGV[1]) end
return redis.call('HGET', KEYS[1], 'depends') or ARGV[1]
`;

/** Notes something once. KEYS: the set, the run. ARGV: what, seconds that it is kept. Returns how much is noted; 0 of a run that is no more. */
export const NOTE = `
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('SCARD', KEYS[1])
`;

/**
 * A limit by the generic cell rate algorithm (ITU-T I.371, annex A), by Redis's clock. KEYS: when the tenant's last work will be paid for,
 * in ms. ARGV: ms that this work costs, ms of work that may be ahead. Returns the ms to wait; 0 where the work may begin, which is then
 * counted.
 */
export const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local ahead = paid - now
if ahead > tonumber(ARGV[2]) then return math.ceil(ahead - tonumber(ARGV[2])) end
redis.call('SET', KEYS[1], paid + tonumber(ARGV[1]), 'PX', math.ceil(ahead + tonumber(ARGV[1])) + 1000)
return 0
`;
