-- wrk -t1 … -s post_count.lua URL -- COUNT BODY IDS-FILE
-- Submits exactly COUNT jobs, writes when the first was sent and the last answered (nanoseconds of CLOCK_MONOTONIC, one
-- line) and then the ids of the accepted ones (one a line), and ends wrk. One thread only: it counts for all.
local report = require "report"
local ffi = require "ffi"

ffi.cdef [[
  struct millrace_timespec { long seconds; long nanoseconds; };
  int clock_gettime(int clock, struct millrace_timespec *time);
  int getpid(void);
  int kill(int pid, int signal);
]]
local CLOCK_MONOTONIC, SIGINT = 1, 2

local function now_ns()
  local time = ffi.new("struct millrace_timespec")
  assert(ffi.C.clock_gettime(CLOCK_MONOTONIC, time) == 0)
  return tonumber(time.seconds) * 1000000000 + tonumber(time.nanoseconds)
end

function init(arguments)
  local wanted = tonumber(arguments[1])
  local submission = report.submission(assert(arguments[2], "no body given"))
  local output = assert(io.open(arguments[3], "w"))
  local sent, answered, ids, started_ns = 0, 0, {}, nil
  local verified = false
  wrong_statuses = {}

  function request()
    -- wrk's first call only looks whether the request is well-formed; it is not sent.
    if not verified then
      verified = true
      return submission
    end
    -- Nothing to send: wrk writes no byte, and the connection waits idle.
    if sent == wanted then return "" end
    sent = sent + 1
    started_ns = started_ns or now_ns()
    return submission
  end

  function response(status, headers, body)
    local id = headers["Location"] and headers["Location"]:match("/v1/jobs/(.+)$")
    if status == 202 and id then
      table.insert(ids, id)
    else
      wrong_statuses[tostring(status)] = (wrong_statuses[tostring(status)] or 0) + 1
    end
    answered = answered + 1
    if answered < wanted then return end
    output:write(string.format("%.0f %.0f\n", started_ns, now_ns()), table.concat(ids, "\n"), "\n")
    output:close()
    -- wrk sleeps for its whole duration otherwise; on SIGINT it ends in order.
    ffi.C.kill(ffi.C.getpid(), SIGINT)
  end
end
