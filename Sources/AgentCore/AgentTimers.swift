/// When the agent's loop has to do what, in monotonic milliseconds.
struct AgentTimers {
    enum Timer: Hashable {
        /// Read inotify.
        case drain
        /// Look at the spool.
        case spool
        /// Look at deleted and renamed files.
        case linger
        /// Try again what failed.
        case resume
        /// Look again at documents that were being written.
        case settle
        /// Give memory back.
        case rest
        case status
        case watchdog
    }

    private var atMs: [Timer: Int64] = [:]
    private var lastMs: [Timer: Int64] = [:]
    let watchdogEveryMs: Int64
    /// When to stop whatever is left to do; nil while running.
    var stopAtMs: Int64?

    /// - Parameter watchdogMs: How soon the service manager gives up on a silent agent.
    /// - Parameter tellsStatus: Somebody takes the timers of the service manager.
    init(nowMs: Int64, watchdogMs: Int64?, tellsStatus: Bool = true) {
        watchdogEveryMs = (watchdogMs ?? 0) / 3
        if tellsStatus { atMs[.status] = nowMs + AgentLimits.statusMs }
        if watchdogMs != nil { atMs[.watchdog] = nowMs }
    }

    mutating func set(_ timer: Timer, atMs time: Int64) { atMs[timer] = time }

    mutating func setIfUnset(_ timer: Timer, atMs time: Int64) {
        if atMs[timer] == nil { atMs[timer] = time }
    }

    /// At once, but not before `intervalMs` have passed since the last time.
    mutating func set(_ timer: Timer, notBefore intervalMs: Int64, nowMs: Int64) {
        setIfUnset(timer, atMs: max(nowMs, lastMs[timer].map { $0 + intervalMs } ?? nowMs))
    }

    func isDue(_ timer: Timer, at nowMs: Int64) -> Bool { atMs[timer].map { $0 <= nowMs } ?? false }

    /// True, once, when it is due.
    mutating func take(_ timer: Timer, nowMs: Int64) -> Bool {
        guard isDue(timer, at: nowMs) else { return false }
        atMs[timer] = nil
        lastMs[timer] = nowMs
        return true
    }

    /// How long to wait: until the first timer or `limitMs`; nil for ever.
    func waitMs(nowMs: Int64, limitMs: Int64) -> Int32? {
        let next = min(limitMs, atMs.values.min() ?? .max)
        guard next < .max else { return nil }
        return Int32(clamping: max(0, next - nowMs))
    }
}
