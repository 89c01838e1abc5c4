-- wrk … -s poll.lua URL -- MODE IDS-FILE [PAUSE-MS]
-- Polls many jobs in turn; each reply is to be a 200. With a pause each connection waits so long before every poll, as
-- clients do that do not want to saturate anything.
local report = require "report"

function init(arguments)
  report.expect(arguments[1], 200)
  request = report.polls(assert(arguments[2], "no file of ids given"))
  local pause = tonumber(arguments[3])
  if pause then
    function delay() return pause end
  end
end
