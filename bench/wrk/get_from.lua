-- args: how many coupons there are. Each request asks for another one, and says that it comes from another address.
dofile(os.getenv("BENCH_WRK") .. "/report.lua")
local count
function init(args) count = tonumber(args[1]); math.randomseed(os.time()) end
function request()
  local address = "10.0." .. math.random(0, 99) .. "." .. math.random(0, 99)
  return wrk.format("GET", "/api/coupon?twitterId=seed" .. math.random(0, count - 1), { ["x-forwarded-for"] = address })
end
