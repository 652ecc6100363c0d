import GRDBSQLite
import QuipuModel

/// Rows that tell of model calls, into calls: many rows may tell of one.
final class UsageWriter {
    enum Outcome {
        case made
        /// Told of a call that was known, or of nothing new.
        case merged
    }

    let spend: SpendTally
    let connection: OpaquePointer
    private let strings: StringTable
    private let contexts: SessionContexts
    private let sessions: SessionWriter
    private let members: ContextReader
    private let counters: UsageCounters
    private let calls: UsageCallTable
    private let rows: UsageRowTable
    private(set) var prices: PriceBook

    init(
        _ connection: OpaquePointer, strings: StringTable, contexts: SessionContexts,
        sessions: SessionWriter
    ) throws {
        self.connection = connection
        self.strings = strings
        self.contexts = contexts
        self.sessions = sessions
        members = try ContextReader(connection)
        spend = try SpendTally(connection, contexts: members)
        counters = try UsageCounters(connection)
        calls = try UsageCallTable(connection)
        rows = try UsageRowTable(connection)
        prices = try PriceBook(connection)
    }

    /// Prices in the database are other ones now.
    func reloadPrices() throws { prices = try PriceBook(connection) }

    /// Remembers when a session that another one started began: what is told of it at that moment
    /// is the other one's history.
    func note(_ event: EventRecord, _ bytes: UnsafeRawBufferPointer) throws {
        guard let parent = try id(event.context.parent, bytes),
            let session = try id(event.session, bytes), session != parent
        else { return }
        try counters.begin(
            session, parent: parent,
            at: event.timeIsArrival ? nil : event.time.microseconds)
    }

    /// Stores what one row tells; its slices point into `bytes`.
    func store(
        _ usage: UsageRecord, _ bytes: UnsafeRawBufferPointer, source: Int64
    ) throws -> Outcome {
        let facts = try facts(usage, bytes, source: source)
        if let session = facts.session {
            sessions.touch(
                session, at: EventTime(microseconds: facts.time, isArrival: usage.timeIsArrival))
        }
        if usage.isSynthetic {
            try rows.insert(facts, tokens: facts.tokens, call: nil)
            return .made
        }
        if usage.isCumulative, let session = facts.session {
            return try store(total: facts, of: session)
        }
        guard let message = text(usage.messageID, bytes) else {
            let call = try make(facts, message: nil, request: nil)
            try rows.insert(facts, tokens: facts.tokens, call: call)
            return .made
        }
        let request = text(usage.requestID, bytes)
        let isSidechain = usage.isSidechain
        guard let known = try calls.find(message, request, isSidechain: isSidechain) else {
            let call = try make(facts, message: message, request: request)
            try rows.insert(facts, tokens: facts.tokens, call: call)
            return .made
        }
        try change(known, with: facts, request: request)
        try rows.insert(facts, tokens: facts.tokens, call: known.id)
        return .merged
    }

    // MARK: Calls

    private func make(
        _ facts: UsageFacts, message: UnsafeRawBufferPointer?, request: UnsafeRawBufferPointer?
    ) throws -> Int64 {
        let (cost, price) = try cost(of: facts)
        spend.add(cost, facts)
        return try calls.insert(facts, cost, price, message: message, request: request)
    }

    private func change(
        _ known: UsageCallTable.Known, with row: UsageFacts, request: UnsafeRawBufferPointer?
    ) throws {
        let call = known.facts.replaced(by: row)
        let (cost, price) = try cost(of: call)
        spend.add(known.costUSD.map { -$0 }, known.facts)
        spend.add(cost, call)
        // The main conversation's further rows bear its request, not the side conversation's.
        let renames =
            known.facts.flags.contains(.isSidechain) && !row.flags.contains(.isSidechain)
        try calls.update(known.id, call, cost, price, request: request, renames: renames)
    }

    private func cost(of call: UsageFacts) throws -> (Double?, Int64?) {
        guard let price = try prices.price(ofModel: call.model, at: call.time) else {
            return (nil, nil)
        }
        let cost = price.cost(
            of: call.tokens, isFast: call.flags.contains(.isFast),
            isBatch: call.flags.contains(.isBatch))
        return (cost, price.version)
    }

    // MARK: Counters

    /// A row of sums over the session so far: the call is what they rose by.
    private func store(total facts: UsageFacts, of session: Int64) throws -> Outcome {
        let parent = try members.members(of: facts.context).parent
        switch try counters.take(facts, of: session, parent: parent) {
        case .known(let call, let change):
            try rows.insert(facts, tokens: change, call: call)
            if let call { try calls.countRow(call) }
            return .merged
        case .rose(let change):
            var delta = facts
            delta.tokens = change
            let call = try make(delta, message: nil, request: nil)
            try counters.remember(facts.tokens, of: session, call: call)
            try rows.insert(delta, tokens: change, call: call)
            return .made
        }
    }

    // MARK: Texts

    private func facts(
        _ usage: UsageRecord, _ bytes: UnsafeRawBufferPointer, source: Int64
    ) throws -> UsageFacts {
        let session = try id(usage.session, bytes)
        var named = usage.context
        // No model wrote it: the session's is another one.
        if usage.isSynthetic { named.model = .none }
        let context = try contexts.resolve(named, bytes, session: session)
        return UsageFacts(
            time: usage.time.microseconds, flags: UsageFlags(usage), source: source,
            offset: Int64(clamping: usage.lineOffset), session: session,
            task: try id(usage.task, bytes), context: context,
            model: try members.members(of: context).model,
            requestType: try id(usage.requestType, bytes), tokens: usage.tokens.bounded,
            statedUSD: usage.statedCostUSD.flatMap { $0.isFinite ? $0 : nil })
    }

    private func id(_ slice: Slice, _ bytes: UnsafeRawBufferPointer) throws -> Int64? {
        try text(slice, bytes).map { try strings.id(of: $0) }
    }

    private func text(
        _ slice: Slice, _ bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        guard !slice.isNone, slice.count > 0, slice.range.upperBound <= bytes.count else {
            return nil
        }
        return UnsafeRawBufferPointer(rebasing: bytes[slice.range])
    }
}
