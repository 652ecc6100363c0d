import Foundation
import QuipuModel

/// The steps of a question about metrics: spans in a row, all as long but for days with a change of
/// the clock.
struct StepGrid {
    private static let secondsPerDay: Int64 = 86_400
    /// The years from 1 to 9999.
    private static let calendar: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    let span: Range<Int64>
    let stepSeconds: Int64
    /// Of a time zone's days: the start of each step, and the end of the last.
    private let edges: [Int64]
    /// Where all steps are as long: the start of the first one.
    private let first: Int64

    /// - Parameter zone: An IANA name; steps of whole days begin at its midnights. Nil: all steps
    ///   are aligned to the epoch.
    /// - Throws: `StoreError.invalid` for an unknown zone.
    init(_ span: Range<Int64>, stepSeconds: Int64, zone: String?) throws(StoreError) {
        self.span = span
        self.stepSeconds = stepSeconds
        first = span.lowerBound.aligned(to: stepSeconds)
        guard let zone else {
            edges = []
            return
        }
        guard let zone = TimeZone(identifier: zone) else {
            throw .invalid(path: "time_zone", hint: "a name such as \"Europe/Berlin\"")
        }
        guard stepSeconds.isMultiple(of: Self.secondsPerDay) else {
            edges = []
            return
        }
        guard Self.calendar.contains(span.lowerBound), Self.calendar.contains(span.upperBound)
        else { throw .invalid(path: "since", hint: "a time zone's days are those of 1 to 9999") }
        edges = Self.midnights(in: zone, over: span, days: stepSeconds / Self.secondsPerDay)
    }

    /// Every so many midnights, counted from 1970-01-01: from the one at or before the span to the
    /// one at or after it.
    private static func midnights(
        in zone: TimeZone, over span: Range<Int64>, days: Int64
    ) -> [Int64] {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        func midnight(ofDay day: Int64) -> Int64 {
            // Noon lies within its day, whatever the clock did in the night.
            let noon = Double(day * secondsPerDay + secondsPerDay / 2)
            let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: noon))
            let date = Date(timeIntervalSince1970: noon - Double(offset))
            return Int64(calendar.startOfDay(for: date).timeIntervalSince1970)
        }
        let first = Date(timeIntervalSince1970: Double(span.lowerBound))
        let local = span.lowerBound + Int64(zone.secondsFromGMT(for: first))
        var day = floorDivide(local, secondsPerDay).aligned(to: days)
        var edges = [midnight(ofDay: day)]
        while let last = edges.last, last < span.upperBound {
            day += days
            // A zone that moved over the date line has left a day out.
            let next = midnight(ofDay: day)
            if next > last { edges.append(next) }
        }
        return edges
    }

    /// The number of the step that holds `second`, which is in the span.
    func index(holding second: Int64) -> Int {
        guard !edges.isEmpty else {
            return Int((second &- first) / stepSeconds)
        }
        return max(0, index(after: second) - 1)
    }

    func start(_ index: Int) -> Int64 {
        edges.isEmpty ? first + Int64(index) * stepSeconds : edges[index]
    }

    func seconds(_ index: Int) -> Int64 {
        edges.indices.contains(index + 1) ? edges[index + 1] - edges[index] : stepSeconds
    }

    var count: Int {
        guard edges.isEmpty else { return edges.count { $0 < span.upperBound } }
        return Int((span.upperBound - first + stepSeconds - 1) / stepSeconds)
    }

    /// Spans of `width`, aligned to the epoch, lie in one step each.
    func isWhole(in width: Int64) -> Bool {
        edges.isEmpty
            ? stepSeconds.isMultiple(of: width)
            : edges.allSatisfy { $0.isMultiple(of: width) }
    }

    /// The first edge behind `second`.
    private func index(after second: Int64) -> Int {
        var low = 0
        var high = edges.count
        while low < high {
            let middle = (low + high) / 2
            if edges[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
