-- args: the path, the body with `{n}` for the number of the request. Asked by an admin.
dofile(os.getenv("BENCH_WRK") .. "/report.lua")
local path, body, headers, number, threads = "", "", {}, 0, 0
function setup(thread) thread:set("lane", threads); threads = threads + 1 end
function init(args)
  path, body = args[1], args[2]
  headers = { ["content-type"] = "application/json", ["x-admin-key"] = os.getenv("BENCH_ADMIN_KEY") }
end
function request()
  number = number + 1
  return wrk.format("POST", path, headers, (body:gsub("{n}", lane .. "-" .. number)))
end
