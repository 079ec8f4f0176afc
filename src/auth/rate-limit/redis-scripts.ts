// What Redis runs, each in one step that nothing comes between. Times are the caller's, in milliseconds, so that one clock
// decides in a process; a key is named by its window and therefore never read in another one. All keys of a call carry the
// workspace in braces, so that a cluster keeps them together.

const LEVEL = `
local function level(key, most, rate, now)
  local held = redis.call('GET', key)
  if not held then return most, now end
  local gap = string.find(held, ' ', 1, true)
  local points = tonumber(string.sub(held, 1, gap - 1))
  local since = tonumber(string.sub(held, gap + 1))
  return math.min(most, points + math.max(0, now - since) * rate / 1000), math.max(now, since)
end`;

/** KEYS: counters, then the bucket. ARGV: per counter its most and how long it is kept; then the bucket's most, rate, now. */
export const TAKE = `${LEVEL}
local last = #KEYS
local answer = {}
local refused = 0
for i = 1, last - 1 do
  answer[i] = tonumber(redis.call('GET', KEYS[i]) or '0')
  if answer[i] >= tonumber(ARGV[2 * i - 1]) then refused = i end
end
if refused == 0 then
  for i = 1, last - 1 do
    answer[i] = redis.call('INCR', KEYS[i])
    if answer[i] == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[2 * i]) end
  end
end
local left = level(KEYS[last], tonumber(ARGV[2 * last - 1]), tonumber(ARGV[2 * last]), tonumber(ARGV[2 * last + 1]))
answer[last] = refused
answer[last + 1] = math.floor(left)
return answer`;

/** KEYS: the bucket. ARGV: its most, rate, now, points (negative: given back). */
export const DRAW = `${LEVEL}
local most = tonumber(ARGV[1])
local rate = tonumber(ARGV[2])
local points = tonumber(ARGV[4])
local left, now = level(KEYS[1], most, rate, tonumber(ARGV[3]))
if points > left then return {0, math.floor(left)} end
left = math.min(most, left - points)
local ttl = math.ceil((most - left) * 1000 / rate) + 1000
redis.call('SET', KEYS[1], string.format('%.3f %.0f', left, now), 'PX', ttl)
return {1, math.floor(left)}`;
