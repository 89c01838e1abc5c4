-- wrk … -s poll_one.lua URL -- MODE ID
-- Polls one job over and over; each reply is to be a 200.
local report = require "report"

function init(arguments)
  report.expect(arguments[1], 200)
  wrk.path = "/v1/jobs/" .. assert(arguments[2], "no id given")
end
