/** What Redis does in one step. */

/** KEYS: the run. Returns the shards that are left. */
export const END_SUBMITTING = `
if redis.call('HGET', KEYS[1], 'state') == 'submitting' then redis.call('HSET', KEYS[1], 'state', 'running') end
return tonumber(redis.call('HGET', KEYS[1], 'left') or '0')
`;

/**
 * KEYS: the shards that are done, the run, the shards with failures. ARGV: the shard's round, the shard, the round, counts as JSON, seconds.
 * Returns the shards that are left, -1 while there may be more. What is told again changes nothing.
 */
export const COMPLETE = `
if redis.call('EXISTS', KEYS[2]) == 0 then return -1 end
if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then
  redis.call('HINCRBY', KEYS[2], 'left', -1)
  local counts = cjson.decode(ARGV[4])
  for name, count in pairs(counts) do
    if name ~= 'failing' then redis.call('HINCRBY', KEYS[2], name, count) end
  end
  redis.call('HINCRBYFLOAT', KEYS[2], 'seconds', ARGV[5])
  if counts.failing > 0 then redis.call('HSET', KEYS[3], ARGV[2], ARGV[3]) else redis.call('HDEL', KEYS[3], ARGV[2]) end
end
if redis.call('HGET', KEYS[2], 'state') ~= 'running' then return -1 end
return tonumber(redis.call('HGET', KEYS[2], 'left'))
`;

/**
 * A limit by the generic cell rate algorithm (ITU-T I.371, annex A). KEYS: when the tenant's last work will be paid for, in ms. ARGV: now,
 * ms that this work costs, ms of work that may be ahead. Returns the ms to wait; 0 where the work may begin, which is then counted.
 */
export const TAKE = `
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1]))
local ahead = paid - tonumber(ARGV[1])
if ahead > tonumber(ARGV[3]) then return math.ceil(ahead - tonumber(ARGV[3])) end
redis.call('SET', KEYS[1], paid + tonumber(ARGV[2]), 'PX', math.ceil(ahead + tonumber(ARGV[2])) + 1000)
return 0
`;
