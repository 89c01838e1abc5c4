-- What every script shares: counting what should not happen, and one line for machines at the end:
--
--   millrace-load {"requests":…,"duration_us":…,"wrong_status":…,"statuses":{"404":3},"connect_errors":…, …}
--
-- wrk counts statuses of 400 and more itself, at no cost. Other wrong ones (a 200 for a POST that should give 202) are
-- seen only by a `response` callback, for which wrk copies each reply into Lua: so much work for the client that the
-- server's share of the time, and with it every ratio, changes. Hence two modes: `exact` for a short round before the
-- measuring, and without it for the measured ones.

local report = {}
local threads = {}

-- Called by wrk in its main state, once a thread; a thread's globals are read back through these in `done`.
function setup(thread)
  thread:set("thread_index", #threads)
  table.insert(threads, thread)
end

-- In the mode "exact", counts each reply with another status than the expected ones, in a global of the thread.
function report.expect(mode, ...)
  if mode ~= "exact" then return end
  local expected = {}
  for _, status in ipairs({...}) do expected[status] = true end
  wrong_statuses = {}
  function response(status, headers, body)
    if not expected[status] then
      local name = tostring(status)
      wrong_statuses[name] = (wrong_statuses[name] or 0) + 1
    end
  end
end

local function statuses_of_all_threads()
  local total, counts = 0, {}
  for _, thread in ipairs(threads) do
    for name, count in pairs(thread:get("wrong_statuses") or {}) do
      counts[name] = (counts[name] or 0) + count
      total = total + count
    end
  end
  return total, counts
end

local function json(value)
  if type(value) ~= "table" then return string.format("%.15g", value) end
  local fields = {}
  for name, field in pairs(value) do table.insert(fields, string.format("%q:%s", name, json(field))) end
  return "{" .. table.concat(fields, ",") .. "}"
end

-- A function that gives one ready-made GET of a job's status after the other, for the ids in a file (one a line), each
-- thread from another place in it on.
function report.polls(ids_file)
  local polls = {}
  for id in io.lines(ids_file) do table.insert(polls, wrk.format("GET", "/v1/jobs/" .. id)) end
  assert(#polls > 0, "no ids in " .. ids_file)
  local position = math.floor(thread_index * #polls / 2) % #polls
  return function()
    position = position % #polls + 1
    return polls[position]
  end
end

function report.submission(body)
  return wrk.format("POST", "/v1/jobs", {["Content-Type"] = "application/json"}, body)
end

function done(summary, latency, requests)
  local errors = summary.errors
  local counted, statuses = statuses_of_all_threads()
  print("millrace-load " .. json({
    requests = summary.requests,
    duration_us = summary.duration,
    -- In an exact round both counts know of a 404.
    wrong_status = math.max(errors.status, counted),
    statuses = statuses,
    connect_errors = errors.connect,
    read_errors = errors.read,
    write_errors = errors.write,
    timeouts = errors.timeout,
    p50_us = latency:percentile(50),
    p99_us = latency:percentile(99),
    max_us = latency.max,
  }))
end

return report
