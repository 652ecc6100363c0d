internal import Rules
internal import ScheduleWorld

/// The bytes as the choices of a schedule: who does what next, and what fails. Tailing, shipping,
/// spool, framing, sessions and commit groups must store every record exactly once.
@_cdecl("quipu_fuzz_schedules")
public func fuzzSchedules(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    let buffer = UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : min(count, 600))
    let report = Schedule.run(bytes: Array(buffer))
    require(report.violations.isEmpty, report.violations.first ?? "")
}
