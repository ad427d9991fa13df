-- args: how many coupons there are, the operation. The variable t is another coupon each time.
dofile(os.getenv("BENCH_WRK") .. "/report.lua")
local count, before
function init(args)
  count = tonumber(args[1])
  before = '{"query":"' .. args[2]:gsub('"', '\\"') .. '","variables":{"t":"seed'
  math.randomseed(os.time())
end
local headers = { ["content-type"] = "application/json" }
function request() return wrk.format("POST", "/graphql", headers, before .. math.random(0, count - 1) .. '"}}') end
