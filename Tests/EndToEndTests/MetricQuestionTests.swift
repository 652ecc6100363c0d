import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// Questions about metrics as people type them, of the real daemon.
@Suite struct MetricQuestionTests {
    private func quipu(_ rig: Rig, _ arguments: [String]) throws -> (
        status: Int32, output: String, errors: String
    ) {
        try Program.run("quipu", ["--runtime-dir", rig.runtime, "metrics", "query"] + arguments)
    }

    @Test func formulasAndZonesAreTyped() throws {
        let rig = try Rig()
        try rig.start()
        try rig.send("api.errors:3|c|#site:a\napi.requests:12|c|#site:a\napi.requests:8|c|#site:b")
        try rig.waitForLines(3)
        let share = try quipu(
            rig,
            [
                "errors=api.errors", "all=api.requests", "--formula", "errors / all * 100",
                "--aggregate", "sum", "--group-by", "site", "--fill", "zero", "--step", "1h",
                "--since", "1h",
            ])
        #expect(share.status == 0, "\(share.errors)")
        #expect(share.output.contains("errors / all * 100  site=a"), "\(share.output)")
        #expect(share.output.contains("25"), "\(share.output)")
        #expect(share.output.contains("site=b"), "\(share.output)")

        let both = try quipu(rig, ["api.errors", "api.requests", "--aggregate", "increase"])
        #expect(both.output.contains("a\n") && both.output.contains("b\n"), "\(both.output)")

        let days = try quipu(
            rig,
            ["api.requests", "--step", "1d", "--time-zone", "Asia/Kolkata", "--aggregate", "sum"])
        #expect(days.output.contains("18:30:00"), "\(days.output)")
        #expect(days.output.contains("20"), "\(days.output)")

        let wrong = try quipu(rig, ["api.requests", "--time-zone", "Middle/Earth"])
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("time_zone"), "\(wrong.errors)")
        let malformed = try quipu(rig, ["a=api.requests", "--formula", "a / / 2"])
        #expect(malformed.errors.contains("column 5"), "\(malformed.errors)")
    }
}
