import QuipuModel

/// The flags of an event's row.
struct EventFlags: OptionSet {
    var rawValue: Int64

    static let timeIsArrival = EventFlags(rawValue: 1)
    /// The line before the call, and the line after it, are in this record.
    static let hasOpening = EventFlags(rawValue: 2)
    static let hasClosing = EventFlags(rawValue: 4)
    /// Of kind `task` or `agent_status`.
    static let isTaskActivity = EventFlags(rawValue: 8)
    static let halves: EventFlags = [.hasOpening, .hasClosing]
}

/// Everything about an event that its other half may change.
struct CallFacts {
    var time: Int64
    var flags: EventFlags
    var status: EventStatus
    var durationMicroseconds: Int64?
    var name: Int64?
    var task: Int64?
    var agent: Int64?
    var error: String?
    var attributes: [UInt8]?
    var openingPayload: PayloadReference?
    var closingPayload: PayloadReference?

    /// The record of a call from its two halves.
    static func joining(opening: CallFacts, closing: CallFacts) -> CallFacts {
        var call = opening
        call.flags = opening.flags.union(.halves)
        call.status = closing.status
        call.error = closing.error
        call.name = opening.name ?? closing.name
        call.task = opening.task ?? closing.task
        call.agent = opening.agent ?? closing.agent
        call.durationMicroseconds = closing.durationMicroseconds ?? span(opening, closing)
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

    /// From opening to closing, where both lines have times of their own and these are in order.
    private static func span(_ opening: CallFacts, _ closing: CallFacts) -> Int64? {
        guard !opening.flags.contains(.timeIsArrival), !closing.flags.contains(.timeIsArrival)
        else { return nil }
        let (span, overflow) = closing.time.subtractingReportingOverflow(opening.time)
        return overflow || span < 0 ? nil : span
    }
}

/// Keys that bring a call's halves together. The high half is the session's, so that one session's
/// keys are neighbours in the index; equal keys are only a hint, the members themselves decide.
enum CallKey {
    static func of(session: Int64?, _ text: UnsafeRawBufferPointer) -> Int64 {
        var hash = FNV1a()
        hash.combine(text)
        return join(session: session, hash.value)
    }

    static func of(session: Int64?, name: Int64?) -> Int64 {
        join(session: session, mixed(name))
    }

    private static func join(session: Int64?, _ rest: UInt64) -> Int64 {
        Int64(bitPattern: mixed(session) << 32 | (rest ^ rest >> 32) & 0xffff_ffff)
    }

    private static func mixed(_ id: Int64?) -> UInt64 {
        var hash = FNV1a()
        withUnsafeBytes(of: id ?? -1) { hash.combine($0) }
        return hash.value & 0xffff_ffff
    }
}
