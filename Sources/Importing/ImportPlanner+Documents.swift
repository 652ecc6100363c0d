import QuipuModel
import QuipuProtocol

extension ImportPlanner {
    /// An array of rows.
    mutating func addRows(_ path: String, _ json: JSON, _ kind: OriginalKind) {
        guard let elements = json.array else { return refuse(path, "is no JSON array") }
        let rows = elements.enumerated().map { (label: String($0 + 1), row: $1) }
        append(
            builder.table(kind, path: path, rows: rows) { row, identities throws(Refusal) in
                kind == .toolUsage
                    ? [try RowTranslation.toolCall(row, &identities, tasks: nil)]
                    : [try RowTranslation.status(row, &identities)]
            })
    }

    /// An object of rows by their id.
    mutating func addKeyed(_ path: String, _ json: JSON, _ kind: OriginalKind) {
        let rows: [(label: String, row: JSON)]
        if let members = json.members {
            rows = members.map { (label: $0.name, row: $0.value) }
        } else if let elements = json.array {
            rows = elements.enumerated().map {
                (label: $1["task_id"]?.string ?? String($0 + 1), row: $1)
            }
        } else {
            return refuse(path, "is neither a JSON object nor an array")
        }
        var table = builder.table(kind, path: path, rows: rows) {
            row, identities throws(Refusal) in
            kind == .tasks
                ? try RowTranslation.task(row, key: row.label, &identities)
                : [try RowTranslation.session(row, key: row.label, &identities)]
        }
        if kind == .sessions {
            let nested = rows.flatMap { $0.row.members ?? [] }.filter { $0.value.array != nil }
            let names = Set(nested.map(\.name)).sorted()
            if !names.isEmpty {
                table.notes.append(
                    "lists inside of sessions are not taken: \(names.joined(separator: ", "))")
            }
        }
        append(table)
    }

    /// `{"USER":{"records":[…],"total_cost":…,"limits":{…}}}`
    mutating func addUsage(_ path: String, _ json: JSON) {
        guard let users = json.members else { return refuse(path, "is no JSON object") }
        var rows: [(label: String, row: JSON)] = []
        var owners: [String: String] = [:]
        var limits: [ImportedLimit] = []
        for user in users {
            for (index, record) in (user.value["records"]?.array ?? []).enumerated() {
                let label = "\(user.name).records[\(index)]"
                rows.append((label: label, row: record))
                owners[label] = user.name
            }
            for (name, period) in [("daily", "day"), ("weekly", "week"), ("monthly", "month")] {
                guard let limit = user.value["limits"]?[name]?.double, limit > 0 else { continue }
                limits.append(ImportedLimit(user: user.name, period: period, limitUSD: limit))
            }
        }
        var table = builder.table(.usage, path: path, rows: rows) {
            row, identities throws(Refusal) in
            [try RowTranslation.usage(row, user: owners[row.label] ?? "", &identities)]
        }
        table.notes += users.compactMap(ImportPlanner.cappedNote)
        append(table)
        append(limits)
    }

    /// The file keeps the last 1,000 records of a user, and sums over all that ever were.
    private static func cappedNote(_ user: JSON.Member) -> String? {
        let records = user.value["records"]?.array ?? []
        guard let told = USD.nano(user.value["total_cost"]?.double ?? 0) else {
            let text = user.value["total_cost"]?.text ?? ""
            return "user \(user.name): total_cost is no amount: \(text.prefix(60))"
        }
        // Records whose cost is no amount are refused.
        let sum = records.compactMap { USD.nano($0["cost"]?.double ?? 0) }
            .reduce(Int64(0)) { $0.addingClamped($1) }
        let requests = user.value["total_requests"]?.int ?? Int64(records.count)
        guard requests >= 0 else {
            return "user \(user.name): total_requests is no count: \(requests)"
        }
        let missing = requests - Int64(records.count)
        guard missing != 0 || abs(told - sum) > 1_000 else { return nil }
        return "user \(user.name): total_cost is \(USD.text(told)) for "
            + "\(Plural.of(requests, "request")), its \(Plural.of(records.count, "record")) "
            + "\(Plural.word(records.count, "adds", "add")) up to \(USD.text(sum)); "
            + missingText(requests: missing, nanoUSD: told - sum)
    }

    /// Sums may also tell of less than the records do: somebody changed them.
    private static func missingText(requests: Int64, nanoUSD: Int64) -> String {
        let untold = Plural.of(requests, "request")
        switch (requests > 0, nanoUSD > 0) {
        case (true, true):
            return "\(USD.text(nanoUSD)) of \(untold) is in no record and cannot be taken"
        case (true, false):
            return
                "\(untold) \(Plural.word(requests, "is", "are")) in no record and cannot be taken"
        case (false, true): return "\(USD.text(nanoUSD)) is in no record and cannot be taken"
        case (false, false): return "the records count, which tell of more"
        }
    }
}

enum USD {
    /// Nil where it is no amount, or one that nobody spends: their count holds nine billion.
    static func nano(_ usd: Double) -> Int64? {
        guard usd >= 0 else { return nil }
        return Int64(exactly: (usd * 1e9).rounded())
    }

    /// `$1.234567`
    static func text(_ nano: Int64) -> String {
        let micro = (nano.magnitude + 500) / 1_000
        let digits = String(micro % 1_000_000)
        return (nano < 0 ? "-$" : "$") + "\(micro / 1_000_000)."
            + String(repeating: "0", count: 6 - digits.utf8.count) + digits
    }
}
