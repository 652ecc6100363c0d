import Glibc
import Intake
import QuipuModel

func frame(_ text: String) -> [UInt8] {
    let payload = Array(text.utf8)
    var out = [UInt8](repeating: 0, count: SpoolFrame.frameBytes(payloadBytes: payload.count))
    out.withUnsafeMutableBytes { b in
        SpoolFrame.write(.init(kind: .datagram, dialect: .dogstatsd, payloadBytes: payload.count,
            arrival: Timestamp(microseconds: 1_790_000_000_000_000), sequence: 1), to: b)
        for (i, x) in payload.enumerated() { b[24 + i] = x }
    }
    return out
}
let only = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : ""
let clock = ContinuousClock()
func run(_ label: String, _ bytes: [UInt8], _ kind: SourceKind, units: Int, path: String = "/x") {
    guard only.isEmpty || label.hasPrefix(only) else { return }
    let decoder = Decoder()
    let context = SourceContext(kind: kind, path: path)
    var best = Double.infinity
    var got = 0
    for _ in 0..<(CommandLine.arguments.count > 1 ? 300 : 15) {
        var a = timespec(); clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a)
        do {
            bytes.withUnsafeBytes {
                let b = decoder.decode($0, at: 10, context: context, arrival: Timestamp(microseconds: 1_790_000_000_000_000), finished: true)
                got = Int(b.tally.stored) + b.events.count
            }
        }
        var b = timespec(); clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b)
        best = min(best, Double(b.tv_sec - a.tv_sec) + Double(b.tv_nsec - a.tv_nsec) / 1e9)
    }
    print(label, "units", units, "got", got, String(Double(units) / best / 1e6), "M/s", String(Double(bytes.count) / best / 1e6), "MB/s")
}
for (name, types) in [("counters", ["c"]), ("mixed", ["c", "g", "ms", "h", "d"]), ("timers", ["ms"])] {
    for series in [100, 10_000] {
        var frames: [UInt8] = []
        var n = 0
        for _ in 0..<100 {
            var text = ""
            for _ in 0..<200 {
                let k = n % series
                text += "app.request.\(k):\(n % 997)|\(types[k % types.count])|#env:prod,host:h\(k % 7)\n"
                n += 1
            }
            frames += frame(text)
        }
        run("statsd \(name) \(series)", frames, .datagrams, units: n)
    }
}
var single: [UInt8] = []
for i in 0..<20000 { single += frame("app.request.\(i % 100):\(i % 997)|c|#env:prod") }
run("single", single, .datagrams, units: 20000)
var lines = ""
let body = String(repeating: "some output text with a bit of length, ", count: 18)
for i in 0..<4000 {
    lines += "{\"session_id\":\"3f2c8c1e-1111-2222-3333-444455556666\",\"transcript_path\":\"/home/u/.claude/projects/x/3f2c.jsonl\",\"cwd\":\"/home/u/x\",\"permission_mode\":\"default\",\"hook_event_name\":\"PostToolUse\",\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls -la\",\"description\":\"x\"},\"tool_response\":{\"stdout\":\"\(body)\",\"stderr\":\"\",\"interrupted\":false,\"isImage\":false},\"tool_use_id\":\"toolu_\(i)\",\"duration_ms\":412,\"timestamp\":\"2026-11-20T15:17:28.926Z\"}\n"
}
run("hooks 1KB", Array(lines.utf8), .file, units: 4000, path: "/logs/x.jsonl")
