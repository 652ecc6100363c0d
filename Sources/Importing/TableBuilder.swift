import QuipuModel
import QuipuProtocol

/// Takes translated rows into tables; knows which rows the run has met before.
struct TableBuilder {
    let times: LocalTime
    /// Where a row was met first, by identity and state.
    private var met: [String: String] = [:]
    var identities: [OriginalKind: RowIdentities] = [:]
    private var ambiguousCount = 0

    init(times: LocalTime) { self.times = times }

    /// Rows of each original are counted anew, so that the nth of equal rows is the nth in both.
    mutating func beginOriginal() { identities = [:] }

    mutating func table(
        _ kind: OriginalKind, path: String, rows: [(label: String, row: JSON)],
        _ translate: (RowReader, inout RowIdentities) throws(Refusal) -> [TranslatedRow]
    ) -> ImportedTable {
        var table = ImportedTable(kind, path: path)
        ambiguousCount = 0
        for (label, row) in rows {
            let reader = RowReader(row: row, label: label, times: times)
            guard row.members != nil else {
                table.rows.append(
                    RowReport(
                        row: label, fate: .refused(column: "", reason: "is no object"), summary: "")
                )
                continue
            }
            do throws(Refusal) {
                let translated = try translate(reader, &identities[kind, default: .init()])
                take(translated, label, into: &table)
            } catch {
                table.rows.append(
                    RowReport(
                        row: label, fate: .refused(column: error.column, reason: error.reason),
                        summary: ""))
            }
        }
        if ambiguousCount > 0 {
            table.notes.append(
                "\(Plural.of(ambiguousCount, "time", "is", "are")) of an hour that the clocks "
                    + "of \(times.zoneName) showed twice; the first is taken")
        }
        return table
    }

    private mutating func take(
        _ rows: [TranslatedRow], _ label: String, into table: inout ImportedTable
    ) {
        var fate: RowFate?
        for row in rows {
            table.sums.add(row.sums)
            if row.isAmbiguous { ambiguousCount += 1 }
            let key = row.identity + " " + row.state
            if let first = met[key] {
                fate = fate ?? .merged(with: first)
                continue
            }
            met[key] = "\(table.path) \(label)"
            fate = .taken
            row.line.write(to: &table.lines)
            table.lines.append(0x0a)
        }
        table.rows.append(
            RowReport(row: label, fate: fate ?? .taken, summary: rows.last?.summary ?? ""))
    }
}
