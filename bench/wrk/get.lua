-- args: how many coupons there are. Each request asks for another one.
dofile(os.getenv("BENCH_WRK") .. "/report.lua")
local count
function init(args) count = tonumber(args[1]); math.randomseed(os.time()) end
function request() return wrk.format("GET", "/api/coupon?twitterId=seed" .. math.random(0, count - 1)) end
