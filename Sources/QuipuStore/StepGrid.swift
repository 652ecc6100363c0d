import Foundation
import QuipuModel

/// The steps of a question about metrics: spans in a row, as long as asked for, but for days with a
/// change of the clock.
///
/// Where retention has left only spans that do not lie whole in such steps, steps are wider there:
/// whole spans. So each step has all of its samples and none of another one's.
struct StepGrid {
    private static let secondsPerDay: Int64 = 86_400
    /// The years from 1 to 9999.
    private static let calendar: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// What is read: at both ends whole spans of the narrowest tier that is left there.
    let span: Range<Int64>
    let stretches: [StepStretch]
    let count: Int

    /// - Parameter zone: An IANA name; steps of whole days begin at its midnights. Nil: all steps
    ///   are aligned to the epoch.
    /// - Throws: `StoreError.invalid` for an unknown zone.
    init(
        _ asked: Range<Int64>, stepSeconds: Int64, zone: String?, floors: TierFloors = TierFloors()
    ) throws(StoreError) {
        let regions = asked.isEmpty ? [] : floors.regions(over: asked)
        let since = regions.first?.seconds.lowerBound ?? asked.lowerBound
        let span = since..<(regions.last?.seconds.upperBound ?? since)
        let edges = try Self.edges(span, stepSeconds, zone)
        var stretches: [StepStretch] = []
        for region in regions {
            var stretch = StepStretch(region.seconds, stepSeconds, edges)
            if let width = region.narrowest?.seconds, !stretch.isWhole(in: width) {
                stretch.widen(to: width)
            }
            if let last = stretches.last, !last.isWidened, !stretch.isWidened {
                let both = last.seconds.lowerBound..<stretch.seconds.upperBound
                stretches[stretches.count - 1] = StepStretch(both, stepSeconds, edges)
            } else {
                stretches.append(stretch)
            }
        }
        var count = 0
        for index in stretches.indices {
            stretches[index].place(
                from: count, isFirst: index == 0, isLast: index + 1 == stretches.count)
            count += stretches[index].count
        }
        self.span = span
        self.stretches = stretches
        self.count = count
    }

    /// Where days of a zone begin and end; empty where all steps are as long.
    private static func edges(
        _ span: Range<Int64>, _ stepSeconds: Int64, _ zone: String?
    ) throws(StoreError) -> [Int64] {
        guard let zone else { return [] }
        guard let zone = TimeZone(identifier: zone) else {
            throw .invalid(path: "time_zone", hint: "a name such as \"Europe/Berlin\"")
        }
        guard stepSeconds.isMultiple(of: secondsPerDay) else { return [] }
        guard calendar.contains(span.lowerBound), calendar.contains(span.upperBound)
        else { throw .invalid(path: "since", hint: "a time zone's days are those of 1 to 9999") }
        return midnights(in: zone, over: span, days: stepSeconds / secondsPerDay)
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
        var stretch = stretches.count - 1
        while stretch > 0, second < stretches[stretch].seconds.lowerBound { stretch -= 1 }
        return stretches[stretch].index(holding: second)
    }

    func start(_ index: Int) -> Int64 { stretch(of: index).start(index) }

    /// What is read of a step: all of it, but of the first and the last, which may reach beyond.
    func read(_ index: Int) -> Range<Int64> {
        let stretch = stretch(of: index)
        let end = min(stretch.end(index), span.upperBound)
        return min(max(stretch.start(index), span.lowerBound), end)..<end
    }

    /// How much of what is read of a step has passed by `now`, rounded up to whole rollups.
    func measuredSeconds(_ index: Int, by now: Timestamp?) -> Int64 {
        let read = read(index)
        guard let now, read.contains(floorDivide(now.microseconds, 1_000_000)) else {
            return Int64(read.count)
        }
        let end = now.bucket(seconds: Limits.rollupSeconds) + Limits.rollupSeconds
        return min(end, read.upperBound) - read.lowerBound
    }

    private func stretch(of index: Int) -> StepStretch {
        stretches[stretches.lastIndex { $0.firstIndex <= index } ?? 0]
    }
}
