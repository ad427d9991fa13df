-- The same as redeem.lua, by GraphQL.
dofile(os.getenv("BENCH_WRK") .. "/report.lua")
local run, operation, codes, number, threads = "", "", {}, 0, 0
function setup(thread) thread:set("lane", threads); threads = threads + 1 end
function init(args)
  run, operation = args[1], args[2]:gsub('"', '\\"')
  for n = 3, #args do codes[#codes + 1] = args[n] end
end
local headers = { ["content-type"] = "application/json" }
function request()
  number = number + 1
  local redeemer = run .. "-" .. lane .. "-" .. number
  return wrk.format("POST", "/graphql", headers, '{"query":"' .. operation .. '","variables":{"i":{"redeemerTwitterId":"'
    .. redeemer .. '","username":"user_' .. number .. '","followers":1500,"couponCode":"' .. codes[number % #codes + 1] .. '"}}}')
end
