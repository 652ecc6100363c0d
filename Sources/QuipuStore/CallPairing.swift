import QuipuModel

/// The flags of an event's row.
struct EventFlags: OptionSet {
    var rawValue: Int64

    static let timeIsArrival = EventFlags(rawValue: 1)
    /// The line before the call, and the line after it, are in this record; of a prompt, its hook's
    /// line and its transcript's.
    static let hasOpening = EventFlags(rawValue: 2)
    static let hasClosing = EventFlags(rawValue: 4)
    /// Of kind `task` or `agent_status`.
    static let isTaskActivity = EventFlags(rawValue: 8)
    static let halves: EventFlags = [.hasOpening, .hasClosing]
    /// No line told the duration: it is the span between the two lines.
    static let durationIsSpan = EventFlags(rawValue: 16)
}

/// Everything about an event that another line may change, and what it counts for.
struct CallFacts {
    var kind: Int64
    var session: Int64?
    var time: Int64
    var flags: EventFlags
    var status: EventStatus
    var durationMicroseconds: Int64?
    var name: Int64?
    var task: Int64?
    var agent: Int64?
    var context: Int64 = 0
    var error: String?
    var errorCategory: ErrorCategory?
    var access = FileAccess.none
    var toolUseID: [UInt8]?
    var identity: Int64?
    var attributes: [UInt8]?
    var openingPayload: PayloadReference?
    var closingPayload: PayloadReference?

    /// The record of a call, or of a prompt, from its two halves.
    ///
    /// - Parameter hasSpan: the time between the lines is its duration, where no line tells one.
    static func joining(opening: CallFacts, closing: CallFacts, hasSpan: Bool) -> CallFacts {
        var call = opening
        call.flags = opening.flags.union(.halves)
        // What was blocked never ran: the line after it only tells so once more.
        let staysBlocked = opening.status == .blocked && closing.status == .error
        call.status = staysBlocked ? .blocked : closing.status
        call.error = closing.error ?? (staysBlocked ? opening.error : nil)
        call.errorCategory = staysBlocked ? nil : closing.errorCategory
        call.name = opening.name ?? closing.name
        call.task = opening.task ?? closing.task
        call.agent = opening.agent ?? closing.agent
        call.toolUseID = opening.toolUseID ?? closing.toolUseID
        call.identity = opening.identity ?? closing.identity
        call.durationMicroseconds = closing.durationMicroseconds ?? opening.durationMicroseconds
        if hasSpan, call.durationMicroseconds == nil, let span = span(opening, closing) {
            call.durationMicroseconds = span
            call.flags.insert(.durationIsSpan)
        }
        call.takeTime(of: closing)
        if opening.access == .none { call.access = closing.access }
        call.closingPayload = closing.closingPayload
        switch (opening.attributes, closing.attributes) {
        case (let first?, let second?):
            call.attributes = first.withUnsafeBytes { first in
                second.withUnsafeBytes { JSONText.merge(first, $0) }
            }
        case (let first, let second): call.attributes = first ?? second
        }
        return call
    }

    /// When a line came says less than a time that a line tells.
    private mutating func takeTime(of line: CallFacts) {
        guard flags.contains(.timeIsArrival), !line.flags.contains(.timeIsArrival) else { return }
        time = line.time
        flags.remove(.timeIsArrival)
    }

    /// From opening to closing, where both lines have times of their own and these are in order.
    private static func span(_ opening: CallFacts, _ closing: CallFacts) -> Int64? {
        guard !opening.flags.contains(.timeIsArrival), !closing.flags.contains(.timeIsArrival)
        else { return nil }
        let (span, overflow) = closing.time.subtractingReportingOverflow(opening.time)
        return overflow || span < 0 ? nil : span
    }

    /// Takes from another line about the same half what is missing. The first line's word stands,
    /// but a duration that a line tells is worth more than a span.
    func filled(from line: CallFacts) -> CallFacts {
        var call = self
        if let told = line.durationMicroseconds,
            durationMicroseconds == nil || flags.contains(.durationIsSpan)
        {
            call.durationMicroseconds = told
            call.flags.remove(.durationIsSpan)
        }
        call.takeTime(of: line)
        call.identity = identity ?? line.identity
        call.name = name ?? line.name
        call.task = task ?? line.task
        call.agent = agent ?? line.agent
        if status == .error, line.status == .error, error == nil {
            call.error = line.error
            call.errorCategory = line.errorCategory
        }
        // What was blocked never ran: a result that only says so once more yields to it.
        if status == .error, line.status == .blocked {
            call.status = .blocked
            call.errorCategory = nil
        }
        if access == .none { call.access = line.access }
        call.openingPayload = openingPayload ?? line.openingPayload
        call.closingPayload = closingPayload ?? line.closingPayload
        if let more = line.attributes {
            call.attributes = attributes.map { own in
                more.withUnsafeBytes { more in
                    own.withUnsafeBytes { JSONText.adding(more, to: $0) ?? own }
                }
            }
            if attributes == nil { call.attributes = more }
        }
        return call
    }

    /// Whether a row would look the same.
    func isSame(as other: CallFacts) -> Bool {
        time == other.time && flags == other.flags && status == other.status
            && durationMicroseconds == other.durationMicroseconds && name == other.name
            && task == other.task && agent == other.agent && context == other.context
            && error == other.error && errorCategory == other.errorCategory
            && access == other.access && identity == other.identity
            && attributes == other.attributes
            && openingPayload == other.openingPayload && closingPayload == other.closingPayload
    }
}

/// Keys of `events_by_call`, the index that brings together what belongs together, and that finds
/// a session's events.
///
/// The high half is the session's id, the low half a hash of the call's id, else of the event's
/// identity, else 0. One index does for both questions, since each event needs only one entry; and
/// the entries of one session are neighbours, so that a commit changes few pages of it. Keys that
/// began with the ids, which are random, would change a page for each event; therefore only what
/// may be copied to another session is in `events_by_identity`, too. Equal keys are only a hint,
/// the members themselves decide.
enum CallKey {
    static func of(session: Int64?, low: UInt64) -> Int64 {
        ((session ?? 0) & 0x7fff_ffff) << 32 | Int64(low & 0xffff_ffff)
    }

    /// The same, of columns.
    static func sql(session: String, low: String) -> String {
        "(((ifnull(\(session), 0) & 2147483647) << 32) | (\(low) & 4294967295))"
    }

    /// All keys of a session.
    static func all(of session: Int64) -> ClosedRange<Int64> {
        of(session: session, low: 0)...of(session: session, low: 0xffff_ffff)
    }

    /// A call's id to the low half.
    static func low(_ text: UnsafeRawBufferPointer) -> UInt64 {
        let hash = hash(text)
        return (hash ^ hash >> 32) & 0xffff_ffff
    }

    static func low(identity: Int64) -> UInt64 {
        let hash = UInt64(bitPattern: identity)
        return (hash ^ hash >> 32) & 0xffff_ffff
    }

    /// The column of that name, of a call's id or a row's.
    static func identity(_ text: UnsafeRawBufferPointer) -> Int64 {
        Int64(bitPattern: hash(text))
    }

    static func hash(_ text: UnsafeRawBufferPointer) -> UInt64 {
        var hash = FNV1a()
        hash.combine(text)
        return hash.value
    }

    /// The key of a half that waits for one of the same session and tool, or text.
    static func open(session: Int64?, _ what: Int64?) -> Int64 {
        let rest = mixed(what)
        return Int64(bitPattern: mixed(session) << 32 | (rest ^ rest >> 32) & 0xffff_ffff)
    }

    private static func mixed(_ id: Int64?) -> UInt64 {
        var hash = FNV1a()
        withUnsafeBytes(of: id ?? -1) { hash.combine($0) }
        return hash.value & 0xffff_ffff
    }
}
