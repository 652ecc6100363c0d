import Glibc

/// The time of day; it may jump. Only for times that are stored.
public enum WallClock {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public static func microseconds() -> Int64 { read(CLOCK_REALTIME) }
}

/// Time that only goes on. For every interval and timeout.
public enum MonotonicClock {
    public static func microseconds() -> Int64 { read(CLOCK_MONOTONIC) }
}

/// Counts also while the machine sleeps, and is never set.
public enum BootClock {
    public static func microseconds() -> Int64 { read(CLOCK_BOOTTIME) }
}

private func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
}
