public import QuipuModel

extension SQLiteStore {
    private static let rejectsPerReplyMax = 100

    public func ledger(_ page: PageRequest) async throws(StoreError) -> Ledger {
        try await read { context in
            let sums = try context.prepare(
                """
                SELECT \(Self.total("received")), \(Self.total("stored")),
                    \(Self.total("merged")), \(Self.total("blank")), \(Self.total("lost_bytes"))
                FROM sources
                """)
            var total = Tally()
            var lostBytes: UInt64 = 0
            if try sums.step() {
                total.received = UInt64(clamping: sums.int(0))
                total.stored = UInt64(clamping: sums.int(1))
                total.merged = UInt64(clamping: sums.int(2))
                total.blank = UInt64(clamping: sums.int(3))
                lostBytes = UInt64(clamping: sums.int(4))
            }
            try Self.addCounts(
                to: &total,
                rejected: context.prepare(
                    "SELECT reason, \(Self.total("count")) FROM ledger_rejected GROUP BY reason"),
                lost: context.prepare(
                    "SELECT cause, \(Self.total("count")) FROM ledger_lost GROUP BY cause"))
            return Ledger(
                total: total, totalLostBytes: lostBytes,
                sources: try Self.accounts(page, context), rejects: try Self.rejects(context),
                balanced: try Self.isBalanced(context))
        }
    }

    /// Exact up to 2^53, and no error beyond, where only lies are.
    private static func total(_ column: String) -> String {
        "CAST(total(\(column)) AS INTEGER)"
    }

    /// Newest sources first.
    private static func accounts(
        _ page: PageRequest, _ context: ReadContext
    ) throws -> Page<SourceAccount> {
        let before = try page.cursor.map { try PageCursor($0, list: "l", numbers: 1).numbers[0] }
        let find = try context.prepare(
            """
            SELECT id, host, kind, key, path, incarnation, position, size, finished, opened,
                received, stored, merged, blank, lost_bytes
            FROM sources WHERE id < ?1 ORDER BY id DESC LIMIT ?2
            """)
        find.bind(1, before ?? .max)
        find.bind(2, Int64(page.rowsMax + 1))
        let rejected = try context.prepare(
            "SELECT reason, count FROM ledger_rejected WHERE source = ?1")
        let lost = try context.prepare("SELECT cause, count FROM ledger_lost WHERE source = ?1")
        var accounts: [SourceAccount] = []
        while try find.step() {
            if accounts.count == page.rowsMax, let last = accounts.last {
                return Page(
                    rows: accounts, nextCursor: PageCursor(list: "l", numbers: [last.id]).text)
            }
            var account = account(find)
            rejected.bind(1, account.id)
            lost.bind(1, account.id)
            try addCounts(to: &account.tally, rejected: rejected, lost: lost)
            accounts.append(account)
        }
        return Page(rows: accounts)
    }

    private static func account(_ row: RawStatement) -> SourceAccount {
        var tally = Tally()
        tally.received = UInt64(clamping: row.int(10))
        tally.stored = UInt64(clamping: row.int(11))
        tally.merged = UInt64(clamping: row.int(12))
        tally.blank = UInt64(clamping: row.int(13))
        return SourceAccount(
            id: row.int(0),
            identity: SourceIdentity(
                host: row.string(1) ?? "", kind: SourceKind(rawValue: row.string(2) ?? "") ?? .file,
                key: row.string(3) ?? "", path: row.string(4) ?? ""),
            incarnation: Int(row.int(5)), position: UInt64(clamping: row.int(6)),
            size: UInt64(clamping: row.int(7)), finished: row.int(8) != 0,
            opened: Timestamp(microseconds: row.int(9)), tally: tally,
            lostBytes: UInt64(clamping: row.int(14)))
    }

    private static func addCounts(
        to tally: inout Tally, rejected: RawStatement, lost: RawStatement
    ) throws {
        defer {
            rejected.reset()
            lost.reset()
        }
        while try rejected.step() {
            guard let reason = RejectReason(rawValue: rejected.string(0) ?? "") else { continue }
            tally.rejected[reason, default: 0] += UInt64(clamping: rejected.int(1))
        }
        while try lost.step() {
            tally.lost[lost.string(0) ?? "", default: 0] += UInt64(clamping: lost.int(1))
        }
    }

    private static func rejects(_ context: ReadContext) throws -> [KeptReject] {
        let find = try context.prepare(
            """
            SELECT path, offset, reason, time, head
            FROM rejects JOIN sources ON sources.id = rejects.source
            ORDER BY rejects.id DESC LIMIT \(rejectsPerReplyMax)
            """)
        var rejects: [KeptReject] = []
        while try find.step() {
            guard let reason = RejectReason(rawValue: find.string(2) ?? "") else { continue }
            rejects.append(
                KeptReject(
                    path: find.string(0) ?? "", offset: UInt64(clamping: find.int(1)),
                    reason: reason, time: Timestamp(microseconds: find.int(3)),
                    head: find.bytes(4).map { [UInt8]($0) } ?? []))
        }
        return rejects
    }

    /// Whether every source's account closes.
    private static func isBalanced(_ context: ReadContext) throws -> Bool {
        let open = try context.prepare(
            """
            SELECT 1 FROM sources
            LEFT JOIN (SELECT source, total(count) AS rejected FROM ledger_rejected GROUP BY source) r
                ON r.source = sources.id
            LEFT JOIN (SELECT source, total(count) AS lost FROM ledger_lost GROUP BY source) l
                ON l.source = sources.id
            WHERE received
                <> stored + merged + blank + coalesce(rejected, 0) + coalesce(lost, 0)
            LIMIT 1
            """)
        return try !open.step()
    }
}
