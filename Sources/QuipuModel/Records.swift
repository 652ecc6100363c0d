public import Sketches

/// How an event ended, or that it has not.
public enum EventStatus: UInt8, Sendable, CaseIterable {
    case none = 0
    case ok = 1
    case error = 2
    case running = 3
    case blocked = 4

    /// The word on the wire; nil for `none`.
    public var word: String? {
        switch self {
        case .none: nil
        case .ok: "ok"
        case .error: "error"
        case .running: "running"
        case .blocked: "blocked"
        }
    }

    public init?(word: String) {
        switch word {
        case "ok": self = .ok
        case "error": self = .error
        case "running": self = .running
        case "blocked": self = .blocked
        default: return nil
        }
    }
}

/// Whether a line tells a whole event or one half of a tool call.
public enum CallHalf: UInt8, Sendable {
    case whole = 0
    /// The line written before the tool ran (PreToolUse).
    case opening = 1
    /// The line written after it (PostToolUse, PostToolUseFailure, PermissionDenied).
    case closing = 2
}

/// One event as decoded from one line. Slices point into the batch's `bytes`.
public struct EventRecord: Sendable {
    /// Where the line begins in its source.
    public var lineOffset: UInt64 = 0
    public var time = Timestamp(microseconds: 0)
    /// True when the line had no time of its own and `time` is when it arrived.
    public var timeIsArrival = false
    public var status = EventStatus.none
    public var half = CallHalf.whole
    /// Microseconds; negative when unknown.
    public var durationMicroseconds: Int64 = -1
    /// UTF-8: `tool_use`, `hook`, `prompt`, …
    public var kind = Slice.none
    /// UTF-8: tool name, hook name, application's name.
    public var name = Slice.none
    public var session = Slice.none
    public var task = Slice.none
    public var agent = Slice.none
    public var error = Slice.none
    /// The call's id, which joins its two halves.
    public var toolUseID = Slice.none
    /// What makes an event the same one wherever it is told again, under whatever session: a
    /// transcript row's `uuid`, of a call told by one its id. `none` when nobody tells it again.
    public var identity = Slice.none
    public var context = RecordContext()
    /// The file that the call touched, and how.
    public var path = Slice.none
    public var access = FileAccess.none
    /// Not the first record of its line, so that the ledger counts the line once.
    public var isFurther = false
    /// Hash of the array element that this record came from; 0 where lines are what is counted.
    public var element: UInt64 = 0
    /// A JSON object of all small members that no column holds; `none` when there are none.
    public var attributes = Slice.none
    /// A JSON object of the large members (tool input and output); kept apart from the facts, and a
    /// slice of the batch's `payloads`.
    public var payload = Slice.none

    public init() {}
}

/// The field's metric types.
public enum MetricType: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case counter = 1
    case gauge = 2
    /// Milliseconds.
    case timer = 3
    case histogram = 4
    case distribution = 5
    case set = 6

    /// The word on the wire.
    public var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .timer: "timer"
        case .histogram: "histogram"
        case .distribution: "distribution"
        case .set: "set"
        }
    }

    public init?(word: String) {
        guard let type = MetricType.allCases.first(where: { $0.word == word }) else { return nil }
        self = type
    }
}

/// What makes a series: name, type and tags.
public struct SeriesKey: Sendable {
    public var name: Slice
    public var type: MetricType
    /// UTF-8 `key:value` or bare `key`, sorted bytewise, unique, joined by `,`; `none` without
    /// tags.
    public var tags: Slice

    public init(name: Slice, type: MetricType, tags: Slice) {
        self.name = name
        self.type = type
        self.tags = tags
    }
}

/// What one batch adds to one series in one span of `Limits.rollupSeconds`.
public struct RollupDelta: Sendable {
    /// Index into `DecodedBatch.series`.
    public var series: Int
    /// Start of the span, seconds since 1970, a multiple of `Limits.rollupSeconds`.
    public var bucketStart: Int64
    /// Samples whose value is known.
    public var rollup: Rollup
    /// Gauge changes (`+5`, `-3`) that came before the batch knew the gauge's value; their values
    /// are relative to the series' last value. Nil for everything else.
    public var relative: Rollup?
    /// Distinct members, for sets.
    public var members: DistinctCounter?

    public init(
        series: Int, bucketStart: Int64, rollup: Rollup, relative: Rollup? = nil,
        members: DistinctCounter? = nil
    ) {
        self.series = series
        self.bucketStart = bucketStart
        self.rollup = rollup
        self.relative = relative
        self.members = members
    }
}

/// A line that could not be read.
public struct RejectedLine: Sendable {
    public var lineOffset: UInt64
    public var reason: RejectReason
    /// The line's first `Limits.rejectedLineKeptBytes` bytes, as they came.
    public var head: [UInt8]

    public init(lineOffset: UInt64, reason: RejectReason, head: [UInt8]) {
        self.lineOffset = lineOffset
        self.reason = reason
        self.head = head
    }
}

/// Why a line was rejected. The raw value is the word on the wire.
public enum RejectReason: String, Sendable, CaseIterable {
    case invalidJSON = "invalid_json"
    case invalidUTF8 = "invalid_utf8"
    case notAnObject = "not_an_object"
    case nulBytes = "nul_bytes"
    case tooDeep = "too_deep"
    case lineTooLong = "line_too_long"
    case nameMissing = "name_missing"
    case nameTooLong = "name_too_long"
    case valueMissing = "value_missing"
    case valueInvalid = "value_invalid"
    case typeUnknown = "type_unknown"
    case rateInvalid = "rate_invalid"
    case timeInvalid = "time_invalid"
    case tagsTooMany = "tags_too_many"
    case eventInvalid = "event_invalid"
    case serviceCheckInvalid = "service_check_invalid"
    case datagramTooLong = "datagram_too_long"
    case spoolCorrupt = "spool_corrupt"
}

/// What became of the lines of one batch. `received` = the sum of all others, once the batch is
/// stored: the store adds `stored` and `merged` for events, the decoder has counted the rest.
public struct Tally: Sendable, Equatable {
    public var received: UInt64 = 0
    /// Lines stored: metric lines by the decoder, events by the store.
    public var stored: UInt64 = 0
    /// Lines that completed a record that another line had begun.
    public var merged: UInt64 = 0
    public var blank: UInt64 = 0
    public var rejected: [RejectReason: UInt64] = [:]
    /// Lines that were destroyed before anyone could read them, by cause (`spool_full`,
    /// `truncated`).
    public var lost: [String: UInt64] = [:]

    public init() {}

    public var isBalanced: Bool {
        received == stored + merged + blank + rejected.values.reduce(0, +)
            + lost.values.reduce(0, +)
    }

    public mutating func add(_ other: Tally) {
        received += other.received
        stored += other.stored
        merged += other.merged
        blank += other.blank
        rejected.merge(other.rejected, uniquingKeysWith: +)
        lost.merge(other.lost, uniquingKeysWith: +)
    }
}

/// All that a batch's bytes meant.
public struct DecodedBatch: Sendable {
    /// What every slice of this batch points into, except payloads.
    public var bytes: [UInt8] = []
    /// What the events' payloads point into, one after the other in the order of the events.
    public var payloads: [UInt8] = []
    public var events: [EventRecord] = []
    public var series: [SeriesKey] = []
    public var rollups: [RollupDelta] = []
    public var usages: [UsageRecord] = []
    public var taskChanges: [TaskChange] = []
    public var rejects: [RejectedLine] = []
    public var tally = Tally()
    public var senders = SenderFigures()
    /// Secrets that were taken out.
    public var redacted: UInt64 = 0

    public init() {}

    public func string(_ slice: Slice) -> String? {
        slice.isNone ? nil : String(decoding: bytes[slice.range], as: UTF8.self)
    }

    public func payload(of event: EventRecord) -> String? {
        let slice = event.payload
        return slice.isNone ? nil : String(decoding: payloads[slice.range], as: UTF8.self)
    }
}
