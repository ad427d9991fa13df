-- args: how many coupons there are, the operation. The same page each time, asked by an admin.
dofile(os.getenv("BENCH_WRK") .. "/report.lua")
local wanted
function init(args)
  local headers = { ["content-type"] = "application/json", ["x-admin-key"] = os.getenv("BENCH_ADMIN_KEY") }
  wanted = wrk.format("POST", "/graphql", headers, '{"query":"' .. args[2]:gsub('"', '\\"') .. '"}')
end
function request() return wanted end
