/// What a user may change about `quipu-agent`.
public struct AgentSettings: Sendable, Equatable {
    public enum DialectName: String, Sendable, CaseIterable {
        case statsd, dogstatsd
    }

    /// `watch`: globs of logs to tail.
    public var watch = [
        "~/.claude/projects/**/*.jsonl", "./logs/sessions/*/*.jsonl", "./logs/*.jsonl",
    ]
    /// `rescan_seconds`: how often all globs are walked again, for what inotify missed.
    public var rescanSeconds = 10
    /// `metrics.mode`: permissions of `metrics.sock` and `statsd.sock` when the agent binds them
    /// itself.
    public var socketMode: UInt32 = 0o666
    /// `metrics.dialect`: whether signed gauges change or set, on Unix sockets.
    public var dialect = DialectName.statsd
    /// `udp.listen`: `HOST:PORT` to receive datagrams on; none by default.
    public var udp: String?
    /// `udp.anywhere`: also on addresses that other machines reach. Datagrams name no sender, so
    /// whoever can send them can write any metric.
    public var udpAnywhere = false
    /// `udp.dialect`
    public var udpDialect = DialectName.statsd

    public init() {}

    public init(_ layers: Layers) throws(SettingsError) {
        watch = try layers.strings("watch") ?? watch
        rescanSeconds = try layers.int("rescan_seconds", in: 1...3_600) ?? rescanSeconds
        if let text = try layers.string("metrics.mode") {
            guard let mode = UInt32(text, radix: 8), mode <= 0o777 else {
                throw SettingsError("metrics.mode: \"\(text)\" is no octal mode such as 0666")
            }
            socketMode = mode
        }
        dialect = try layers.word("metrics.dialect", as: DialectName.self) ?? dialect
        udp = try layers.string("udp.listen")
        udpAnywhere = try layers.bool("udp.anywhere") ?? udpAnywhere
        udpDialect = try layers.word("udp.dialect", as: DialectName.self) ?? udpDialect
    }
}
