-- For wrk: asks with the credentials in a file, one a line, in turn; in the end prints what came of it as a line of JSON.

local requests, asked = {}, 0

function init(arguments)
    for credential in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format("GET", nil, { Authorization = "Bearer " .. credential })
    end
end

function request()
    asked = asked + 1
    return requests[asked % #requests + 1]
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    print(string.format(
        '{"requests":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d}',
        summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)
    ))
end
