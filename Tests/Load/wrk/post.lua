-- wrk … -s post.lua URL -- MODE BODY
-- Submits the same job over and over; each reply is to be a 202.
local report = require "report"

function init(arguments)
  report.expect(arguments[1], 202)
  wrk.method = "POST"
  wrk.path = "/v1/jobs"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = assert(arguments[2], "no body given")
end
