import GRDBSQLite
import QuipuModel
import Sketches

/// Events of one kind, name and status in one span of time, counted.
struct EventRollup {
    /// Widths of the spans in seconds, each a multiple of the next. Of the narrowest, a question
    /// reads less than one row by row at either edge of its range.
    static let widths: [Int64] = [86_400, 3_600, 300]

    struct Key: Hashable, Comparable {
        /// Start of the span, seconds since 1970.
        var start: Int64
        var width: Int64
        var kind: Int64
        /// 0: none. Ids begin at 1.
        var name: Int64
        var status: Int64

        static func < (left: Key, right: Key) -> Bool {
            (left.width, left.start, left.kind, left.name, left.status)
                < (right.width, right.start, right.kind, right.name, right.status)
        }

        /// The wider span that holds this one.
        func widened(to width: Int64) -> Key {
            var key = self
            key.width = width
            key.start = start.aligned(to: width)
            return key
        }
    }

    var count: Int64 = 0
    /// The time of the newest, microseconds since 1970.
    var last = Int64.min
    /// Events with a duration, and their durations in microseconds.
    var timed: Int64 = 0
    var sum: Double = 0
    var min = Int64.max
    var max = Int64.min
    /// Of the durations in milliseconds.
    var sketch = DDSketch()

    mutating func add(_ duration: Int64?) {
        count += 1
        guard let duration else { return }
        timed += 1
        sum += Double(duration)
        min = Swift.min(min, duration)
        max = Swift.max(max, duration)
        sketch.add(Double(duration) / 1_000)
    }
}

// MARK: - Rows

extension EventRollup {
    static let columns = "count, last, timed, sum_us, min_us, max_us, sketch"

    /// From `columns`, of which the first is column `first`. Merges what it reads.
    mutating func merge(_ row: RawStatement, from first: Int32) {
        count += row.int(first)
        last = Swift.max(last, row.int(first + 1))
        guard let sketch = row.bytes(first + 6) else { return }
        timed += row.int(first + 2)
        sum += row.double(first + 3)
        min = Swift.min(min, row.int(first + 4))
        max = Swift.max(max, row.int(first + 5))
        self.sketch.merge(encoded: sketch)
    }
}

/// Keeps the rollups of events up, in the commit that changes the events; collects changes and
/// writes them once a transaction.
///
/// An event that another line completes moves from one rollup to another. Counts, sums and
/// sketches can be taken back; where the smallest or largest duration leaves, which is rare, the
/// rollup is made anew from its rows, if all of them are still there. The newest time stays: it is
/// the line's that told it, even where the event turns out to have begun earlier.
final class EventRollupWriter {
    struct Facts: Equatable {
        var time: Int64
        var kind: Int64
        var name: Int64?
        var status: EventStatus
        /// Microseconds.
        var duration: Int64?
    }

    /// Durations of events that came and of events that left; nil where one had none.
    fileprivate struct Change {
        var last = Int64.min
        var added: [Int64?] = []
        var removed: [Int64?] = []
    }

    /// How many rollups a migration holds before it writes them.
    private static let changesHeldMax = 1_024

    private var changes: [EventRollup.Key: Change] = [:]
    private let load: RawStatement
    private let replace: RawStatement
    private let delete: RawStatement
    private let rows: RawStatement

    init(_ connection: OpaquePointer) throws {
        load = try RawStatement(
            connection,
            """
            SELECT \(EventRollup.columns) FROM event_rollups
            WHERE width = ?1 AND start = ?2 AND kind = ?3 AND name = ?4 AND status = ?5
            """)
        replace = try RawStatement(
            connection,
            """
            INSERT OR REPLACE INTO event_rollups (width, start, kind, name, status,
                \(EventRollup.columns))
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """)
        delete = try RawStatement(
            connection,
            """
            DELETE FROM event_rollups
            WHERE width = ?1 AND start = ?2 AND kind = ?3 AND name = ?4 AND status = ?5
            """)
        rows = try RawStatement(
            connection,
            """
            SELECT time, duration_us FROM events
            WHERE time >= ?1 AND time < ?2 AND kind = ?3 AND ifnull(name, 0) = ?4 AND status = ?5
            """)
    }

    func add(_ facts: Facts) {
        changes[Self.key(facts), default: Change()].add(facts.duration, at: facts.time)
    }

    /// An event that was stored is another now.
    func replace(_ old: Facts, with new: Facts) {
        let key = Self.key(old)
        guard key != Self.key(new) || old.duration != new.duration else { return }
        changes[key, default: Change()].removed.append(old.duration)
        add(new)
    }

    private static func key(_ facts: Facts) -> EventRollup.Key {
        let width = EventRollup.widths[EventRollup.widths.count - 1]
        return EventRollup.Key(
            start: floorDivide(facts.time, width * 1_000_000) * width, width: width,
            kind: facts.kind, name: facts.name ?? 0, status: Int64(facts.status.rawValue))
    }

    /// Has to be called before the transaction ends, when all rows are written.
    func flush() throws {
        var level = changes
        changes.removeAll(keepingCapacity: changes.count < 1_024)
        for width in EventRollup.widths.reversed() {
            if let narrower = level.keys.first, narrower.width != width {
                var widened: [EventRollup.Key: Change] = [:]
                for (key, change) in level {
                    widened[key.widened(to: width), default: Change()].merge(change)
                }
                level = widened
            }
            // In the order of the table.
            for (key, change) in level.sorted(by: { $0.key < $1.key }) {
                try write(change, to: key)
            }
        }
    }

    private func write(_ change: Change, to key: EventRollup.Key) throws {
        var rollup = EventRollup()
        bind(key, to: load)
        if try load.step() { rollup.merge(load, from: 0) }
        load.reset()
        let change = change.settled
        for duration in change.added { rollup.add(duration) }
        rollup.last = max(rollup.last, change.last)
        if !change.removed.isEmpty, !rollup.remove(change.removed) {
            let again = try recounted(key)
            // Retention may have taken rows that are counted here for good.
            if again.count == rollup.count { rollup = again }
        }
        guard rollup.count > 0 else {
            bind(key, to: delete)
            return try delete.run()
        }
        bind(key, to: replace)
        replace.bind(6, rollup.count)
        replace.bind(7, rollup.last)
        let hasDurations = rollup.timed > 0
        replace.bind(8, rollup.timed)
        replace.bind(9, rollup.sum)
        replace.bind(10, hasDurations ? rollup.min : 0)
        replace.bind(11, hasDurations ? rollup.max : 0)
        replace.bind(12, copying: hasDurations ? rollup.sketch.encoded : nil)
        try replace.run()
    }

    /// Makes the rollups of a database that has none yet.
    static func fill(_ connection: OpaquePointer) throws {
        let writer = try EventRollupWriter(connection)
        let events = try RawStatement(
            connection, "SELECT time, kind, name, status, duration_us FROM events ORDER BY time")
        while try events.step() {
            writer.add(
                Facts(
                    time: events.int(0), kind: events.int(1), name: events.optionalInt(2),
                    status: EventStatus(rawValue: UInt8(clamping: events.int(3))) ?? .none,
                    duration: events.optionalInt(4)))
            if writer.changes.count >= changesHeldMax { try writer.flush() }
        }
        try writer.flush()
    }

    private func recounted(_ key: EventRollup.Key) throws -> EventRollup {
        var rollup = EventRollup()
        rows.bind(1, Timestamp.seconds(key.start).microseconds)
        rows.bind(2, Timestamp.seconds(key.start + key.width).microseconds)
        rows.bind(3, key.kind)
        rows.bind(4, key.name)
        rows.bind(5, key.status)
        defer { rows.reset() }
        while try rows.step() {
            rollup.last = max(rollup.last, rows.int(0))
            rollup.add(rows.optionalInt(1))
        }
        return rollup
    }

    private func bind(_ key: EventRollup.Key, to statement: RawStatement) {
        statement.bind(1, key.width)
        statement.bind(2, key.start)
        statement.bind(3, key.kind)
        statement.bind(4, key.name)
        statement.bind(5, key.status)
    }
}

extension EventRollupWriter.Change {
    fileprivate mutating func add(_ duration: Int64?, at time: Int64) {
        added.append(duration)
        last = max(last, time)
    }

    fileprivate mutating func merge(_ other: EventRollupWriter.Change) {
        last = max(last, other.last)
        added += other.added
        removed += other.removed
    }

    /// Without the events that came and left.
    fileprivate var settled: EventRollupWriter.Change {
        guard !added.isEmpty, !removed.isEmpty else { return self }
        var left: [Int64?: Int] = [:]
        for duration in removed { left[duration, default: 0] += 1 }
        var change = self
        change.added = added.filter { duration in
            guard let count = left[duration], count > 0 else { return true }
            left[duration] = count - 1
            return false
        }
        change.removed = left.flatMap { repeatElement($0.key, count: $0.value) }
        return change
    }
}

extension EventRollup {
    /// Takes events back, by their durations. False where the smallest or largest left: what is it
    /// now, only the rows tell; the bounds are then those of the sketch, within its error.
    fileprivate mutating func remove(_ durations: [Int64?]) -> Bool {
        var isExact = true
        count -= Int64(durations.count)
        for case let duration? in durations {
            timed -= 1
            sum -= Double(duration)
            let wasThere = sketch.remove(Double(duration) / 1_000)
            if !wasThere || duration == min || duration == max { isExact = false }
        }
        guard !isExact, count > 0 else { return true }
        guard let lowest = sketch.quantile(0), let highest = sketch.quantile(1) else {
            return false
        }
        let bounds = min...max
        min = Int64(lowest * 1_000).clamped(to: bounds)
        max = Int64(highest * 1_000).clamped(to: bounds)
        return false
    }
}

extension Int64 {
    fileprivate func clamped(to bounds: ClosedRange<Int64>) -> Int64 {
        Swift.max(bounds.lowerBound, Swift.min(bounds.upperBound, self))
    }
}
