import AgentCore
import Importing
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

/// Brings a plan to the daemon, and finds out what became of it.
struct ImportRun {
    let plan: ImportPlan
    private let places: Places
    /// What the daemon's ledger says of each table and log, by path: what this run added to it.
    private(set) var accounts: [String: SourceFigures] = [:]
    /// Tables whose very rows the daemon has had before, by path.
    private(set) var known: Set<String> = []
    private(set) var refusedByDaemon: [RefusedFile] = []
    /// The daemon could be asked.
    private(set) var isAnswered = false

    init(plan: ImportPlan, places: Places) {
        self.plan = plan
        self.places = places
    }

    var isAnyRefused: Bool {
        plan.refusedCount > 0 || !refusedByDaemon.isEmpty
            || accounts.values.contains { !$0.rejected.isEmpty }
    }

    /// The key says what the rows are: the same rows are the same source, wherever they lie.
    static func key(of table: ImportedTable) -> String {
        var hash = FNV1a()
        table.lines.withUnsafeBytes { hash.combine($0) }
        return "import:\(table.kind.rawValue):\(String(hash.value, radix: 16))-"
            + "\(table.lines.count)"
    }

    /// A name that is not mistaken for the file itself, which an agent may read too.
    static func path(of table: ImportedTable) -> String {
        table.path.contains("#") ? table.path : table.path + "#rows"
    }

    // MARK: Looking

    /// Asks, if there is somebody to ask, which tables the daemon has had.
    mutating func look() {
        guard let ledger = try? readLedger() else { return }
        isAnswered = true
        for table in plan.tables where ledger[Self.key(of: table)] != nil {
            known.insert(table.path)
        }
    }

    // MARK: Shipping

    mutating func ship(setsLimits: Bool) throws {
        let before = try readLedger()
        isAnswered = true
        let shipping = try OneTimeShipping(
            ingestSocket: places.ingestSocket,
            report: { level, text in
                if level == .warning { StandardError.write("quipu import: \(text)\n") }
            })
        var keys: [String: String] = [:]
        for table in plan.tables where !table.lines.isEmpty {
            let key = Self.key(of: table)
            if before[key] != nil { known.insert(table.path) }
            keys[table.path] = key
            _ = shipping.addLines(table.lines, key: key, path: Self.path(of: table))
        }
        for log in plan.logs {
            do throws(SystemError) {
                keys[log] = SourceKey.lasting(try shipping.addFile(log).key)
            } catch {
                refusedByDaemon.append(RefusedFile(path: log, reason: error.description))
            }
        }
        var progress = ProgressLine()
        try shipping.run { progress.show($0) }
        progress.clear()
        refusedByDaemon += shipping.refused.map { RefusedFile(path: $0.path, reason: $0.reason) }
        let after = try readLedger()
        for (path, key) in keys {
            guard let now = after[key] else { continue }
            accounts[path] = now.since(before[key])
        }
        if setsLimits { try setLimits() }
    }

    private func setLimits() throws(ClientError) {
        guard !plan.limits.isEmpty else { return }
        var client = try Client(path: places.querySocket)
        for limit in plan.limits {
            let params: JSON = [
                "scope": ["user": .string(limit.user)], "period": .string(limit.period),
                "limit_usd": .number(limit.limitUSD),
            ]
            _ = try client.call("limits.set", params)
        }
    }

    /// The ledger's sources by key. A source that was begun anew counts whole.
    private func readLedger() throws(ClientError) -> [String: SourceFigures] {
        var client = try Client(path: places.querySocket)
        var figures: [String: SourceFigures] = [:]
        var cursor: JSON?
        repeat {
            var members = [JSON.Member("limit", .int(Int64(Limits.rowsPerReplyMax)))]
            if let cursor { members.append(.init("cursor", cursor)) }
            let page = try client.call(.ledger, .object(members))
            for source in page["sources"]?.array ?? [] {
                guard let key = source["key"]?.string.map(SourceKey.lasting) else { continue }
                figures[key, default: SourceFigures()].add(source)
            }
            cursor = page["next_cursor"]
            if cursor == .null { cursor = nil }
        } while cursor != nil
        return figures
    }
}

/// What became of a source's lines.
struct SourceFigures: Equatable {
    var received: Int64 = 0
    var stored: Int64 = 0
    var merged: Int64 = 0
    var rejected: [String: Int64] = [:]

    mutating func add(_ source: JSON) {
        received += source["received"]?.int ?? 0
        stored += source["stored"]?.int ?? 0
        merged += source["merged"]?.int ?? 0
        for reason in source["rejected"]?.members ?? [] {
            rejected[reason.name, default: 0] += reason.value.int ?? 0
        }
    }

    func since(_ before: SourceFigures?) -> SourceFigures {
        guard let before else { return self }
        var rest = self
        rest.received -= before.received
        rest.stored -= before.stored
        rest.merged -= before.merged
        for (reason, count) in before.rejected { rest.rejected[reason, default: 0] -= count }
        rest.rejected = rest.rejected.filter { $0.value != 0 }
        return rest
    }

    var rejectedCount: Int64 { rejected.values.reduce(0, +) }
}

/// How far it is, on a terminal's last line.
struct ProgressLine {
    private let isShown = ProcessFacts.isTerminal(2)
    private var shown = -1

    mutating func show(_ progress: OneTimeShipping.Progress) {
        guard isShown, progress.totalBytes > 0 else { return }
        let percent = progress.percent
        guard percent != shown else { return }
        shown = percent
        StandardError.write("\rimporting: \(percent) % of \(progress.totalBytes) bytes\u{1b}[K")
    }

    mutating func clear() {
        if shown >= 0 { StandardError.write("\r\u{1b}[K") }
    }
}
