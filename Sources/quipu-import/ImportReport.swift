import Importing
import QuipuModel
import QuipuProtocol

/// What was done, or would be, for a person and as JSON.
struct ImportReport {
    let run: ImportRun
    let isDryRun: Bool
    let isVerbose: Bool
    let hasSetLimits: Bool
    let zoneName: String

    private static let examplesMax = 3
    private static let shownLogsMax = 10

    private var plan: ImportPlan { run.plan }

    // MARK: Text

    var text: String {
        var lines: [String] = []
        for table in plan.tables { lines += self.lines(of: table) }
        lines += logLines
        for file in plan.refused + run.refusedByDaemon {
            lines.append("refused: \(file.path) \(file.reason)")
        }
        if !plan.passedOver.isEmpty {
            let count = plan.passedOver.count
            lines.append(
                "passed over: \(Plural.of(count, "file")) that "
                    + Plural.word(count, "is no log", "are no logs"))
        }
        lines += limitLines
        lines.append(summary)
        return lines.map(Self.safe).joined(separator: "\n") + "\n"
    }

    /// Nothing from a file moves the cursor or breaks the line.
    private static func safe(_ line: String) -> String {
        guard line.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else { return line }
        return String(
            String.UnicodeScalarView(
                line.unicodeScalars.map {
                    $0.properties.generalCategory == .control ? "\u{fffd}" : $0
                }))
    }

    private func lines(of table: ImportedTable) -> [String] {
        let verb = isDryRun ? "would be taken" : "taken"
        var lines = [
            "\(table.path) (\(table.kind.rawValue)): \(Plural.of(table.rows.count, "row")): "
                + "\(table.takenCount) \(verb), \(table.mergedCount) merged, "
                + "\(table.refusedCount) refused"
        ]
        if run.known.contains(table.path) {
            lines.append("  the daemon has had these very rows: nothing changes")
        }
        if let sums = Self.sums(table.sums) { lines.append("  rows tell \(sums)") }
        if let account = run.accounts[table.path] {
            lines.append("  ledger: " + Self.text(account))
        }
        lines += table.notes.map { "  note: " + $0 }
        lines += isVerbose ? rowLines(table) : refusalLines(table)
        return lines
    }

    private static func sums(_ sums: RowSums) -> String? {
        guard sums != RowSums() else { return nil }
        var parts = ["\(sums.inputTokens) input tokens", "\(sums.outputTokens) output tokens"]
        if sums.cacheReadTokens > 0 { parts.append("\(sums.cacheReadTokens) read from cache") }
        if sums.cacheWriteTokens > 0 { parts.append("\(sums.cacheWriteTokens) written to cache") }
        if sums.costNanoUSD > 0 { parts.insert("$\(decimal(sums.costUSD))", at: 0) }
        return parts.joined(separator: ", ")
    }

    private static func decimal(_ usd: Double) -> String {
        let micro = Int64((usd * 1e6).rounded())
        let digits = String(micro % 1_000_000)
        return "\(micro / 1_000_000)." + String(repeating: "0", count: 6 - digits.utf8.count)
            + digits
    }

    private static func text(_ account: SourceFigures) -> String {
        var text =
            "received \(account.received), stored \(account.stored), merged \(account.merged)"
        for (reason, count) in account.rejected.sorted(by: { $0.key < $1.key }) {
            text += ", rejected \(count) (\(reason))"
        }
        return text
    }

    private func rowLines(_ table: ImportedTable) -> [String] {
        table.rows.map { row in
            switch row.fate {
            case .taken: "  row \(row.row): taken: \(row.summary)"
            case .merged(let with): "  row \(row.row): merged: same as \(with)"
            case .refused(let column, let reason): "  row \(row.row): refused: \(column) \(reason)"
            }
        }
    }

    /// Refusals by column and reason, with the first rows of each.
    private func refusalLines(_ table: ImportedTable) -> [String] {
        var order: [String] = []
        var rows: [String: [String]] = [:]
        for row in table.rows {
            guard case .refused(let column, let reason) = row.fate else { continue }
            let key = "\(column) \(reason)"
            if rows[key] == nil { order.append(key) }
            rows[key, default: []].append(row.row)
        }
        return order.map { key in
            let all = rows[key] ?? []
            let shown = all.prefix(Self.examplesMax).joined(separator: ", ")
            let more =
                all.count > Self.examplesMax ? " and \(all.count - Self.examplesMax) more" : ""
            return "  refused: \(key) (rows \(shown)\(more))"
        }
    }

    private var logLines: [String] {
        guard !plan.logs.isEmpty else { return [] }
        var sum = SourceFigures()
        for log in plan.logs {
            guard let account = run.accounts[log] else { continue }
            sum.received += account.received
            sum.stored += account.stored
            sum.merged += account.merged
            sum.rejected.merge(account.rejected, uniquingKeysWith: +)
        }
        var lines = [
            "logs: \(Plural.of(plan.logs.count, "file")) \(isDryRun ? "would be read" : "read")"
        ]
        if !isDryRun { lines.append("  ledger: " + Self.text(sum)) }
        let shown = isVerbose ? plan.logs : Array(plan.logs.prefix(Self.shownLogsMax))
        for log in shown {
            lines.append("  \(log)" + (run.accounts[log].map { ": " + Self.text($0) } ?? ""))
        }
        if shown.count < plan.logs.count {
            lines.append("  and \(plan.logs.count - shown.count) more (--verbose)")
        }
        return lines
    }

    private var limitLines: [String] {
        guard !plan.limits.isEmpty else { return [] }
        if hasSetLimits { return ["limits: \(plan.limits.count) set"] }
        return ["limits are not taken over by themselves; to set them (or --limits):"]
            + plan.limits.map { "  " + Self.command($0) }
    }

    static func command(_ limit: ImportedLimit) -> String {
        "quipu limits set --user \(Shell.quoted(limit.user)) --period \(limit.period) "
            + "--usd \(JSON.number(limit.limitUSD).text)"
    }

    private var summary: String {
        let rows = plan.tables.reduce(0) { $0 + $1.rows.count }
        let found =
            "\(Plural.of(rows, "row")) of \(Plural.of(plan.tables.count, "table")) and "
            + Plural.of(plan.logs.count, "log")
        let sum = total
        if isDryRun {
            let hint = run.isAnswered ? "" : "; quipud is not running, so it could not be asked"
            return
                "dry run: \(found), \(plan.refusedCount) refused; rows that quipud has already will be "
                + "merged\(hint)"
        }
        return
            "\(found): \(Self.text(sum)); \(plan.refusedCount + run.refusedByDaemon.count) refused here"
    }

    private var total: SourceFigures {
        run.accounts.values.reduce(into: SourceFigures()) { sum, account in
            sum.received += account.received
            sum.stored += account.stored
            sum.merged += account.merged
            sum.rejected.merge(account.rejected, uniquingKeysWith: +)
        }
    }
}

// MARK: - JSON

extension ImportReport {
    var json: JSON {
        [
            "dry_run": .bool(isDryRun), "time_zone": .string(zoneName),
            "tables": .array(plan.tables.map(tableJSON)),
            "logs": .array(
                plan.logs.map { log in
                    .object(
                        [.init("path", .string(log))]
                            + (run.accounts[log].map { [.init("ledger", Self.json($0))] } ?? []))
                }),
            "limits": .array(
                plan.limits.map {
                    [
                        "scope": ["user": .string($0.user)], "period": .string($0.period),
                        "limit_usd": .number($0.limitUSD), "set": .bool(hasSetLimits),
                    ]
                }),
            "refused": .array(
                (plan.refused + run.refusedByDaemon).map {
                    ["path": .string($0.path), "reason": .string($0.reason)]
                }),
            "passed_over": .array(plan.passedOver.map(JSON.string)),
            "total": Self.json(total),
        ]
    }

    private func tableJSON(_ table: ImportedTable) -> JSON {
        var members: [JSON.Member] = [
            .init("path", .string(table.path)), .init("kind", .string(table.kind.rawValue)),
            .init("rows", .int(Int64(table.rows.count))),
            .init("taken", .int(Int64(table.takenCount))),
            .init("merged", .int(Int64(table.mergedCount))),
            .init("refused", .int(Int64(table.refusedCount))),
            .init("known", .bool(run.known.contains(table.path))),
            .init(
                "sums",
                [
                    "cost_usd": .number(table.sums.costUSD),
                    "input_tokens": .int(table.sums.inputTokens),
                    "output_tokens": .int(table.sums.outputTokens),
                    "cache_read_tokens": .int(table.sums.cacheReadTokens),
                    "cache_write_tokens": .int(table.sums.cacheWriteTokens),
                ]),
            .init("notes", .array(table.notes.map(JSON.string))),
            .init("refusals", .array(table.rows.compactMap(Self.refusal))),
        ]
        if let account = run.accounts[table.path] {
            members.append(.init("ledger", Self.json(account)))
        }
        if isVerbose { members.append(.init("fates", .array(table.rows.map(Self.fate)))) }
        return .object(members)
    }

    private static func refusal(_ row: RowReport) -> JSON? {
        guard case .refused(let column, let reason) = row.fate else { return nil }
        return ["row": .string(row.row), "column": .string(column), "reason": .string(reason)]
    }

    private static func fate(_ row: RowReport) -> JSON {
        switch row.fate {
        case .taken:
            ["row": .string(row.row), "fate": "taken", "summary": .string(row.summary)]
        case .merged(let with):
            ["row": .string(row.row), "fate": "merged", "with": .string(with)]
        case .refused(let column, let reason):
            [
                "row": .string(row.row), "fate": "refused", "column": .string(column),
                "reason": .string(reason),
            ]
        }
    }

    private static func json(_ account: SourceFigures) -> JSON {
        [
            "received": .int(account.received), "stored": .int(account.stored),
            "merged": .int(account.merged),
            "rejected": .object(
                account.rejected.sorted { $0.key < $1.key }.map { .init($0.key, .int($0.value)) }),
        ]
    }
}

enum Shell {
    /// As one word of a command line.
    static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
                    || (0x61...0x7a).contains(byte) || [0x2d, 0x2e, 0x5f].contains(byte)
            }
        return isPlain
            ? text
            : "'"
                + text.split(
                    separator: "'", omittingEmptySubsequences: false
                ).joined(separator: "'\\''") + "'"
    }
}
