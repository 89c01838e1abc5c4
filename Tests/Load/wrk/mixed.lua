-- wrk … -s mixed.lua URL -- MODE IDS-FILE BODY
-- Nine polls, then one submit, and so on; each reply is to be a 200 or a 202.
local report = require "report"

function init(arguments)
  report.expect(arguments[1], 200, 202)
  local poll = report.polls(assert(arguments[2], "no file of ids given"))
  local submission = report.submission(assert(arguments[3], "no body given"))
  local count = 0
  function request()
    count = count + 1
    if count % 10 == 0 then return submission end
    return poll()
  end
end
