-- args: a name for this run, then the codes to redeem in turn. Each request is a new redeemer.
dofile(os.getenv("BENCH_WRK") .. "/report.lua")
local run, codes, number, threads = "", {}, 0, 0
function setup(thread) thread:set("lane", threads); threads = threads + 1 end
function init(args)
  run = args[1]
  for n = 2, #args do codes[#codes + 1] = args[n] end
end
local headers = { ["content-type"] = "application/json" }
function request()
  number = number + 1
  local redeemer = run .. "-" .. lane .. "-" .. number
  return wrk.format("POST", "/api/redeem", headers, '{"redeemerTwitterId":"' .. redeemer .. '","username":"user_' .. number
    .. '","followers":1500,"couponCode":"' .. codes[number % #codes + 1] .. '"}')
end
