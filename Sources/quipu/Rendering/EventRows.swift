import QuipuModel
import QuipuProtocol

/// Events as rows of a table.
enum EventRows {
    static func table(_ events: [JSON], now: Timestamp) -> Table {
        var table = Table([
            .word("TIME (UTC)"), .text("KIND"), .text("NAME"), .word("STATUS"),
            .number("DURATION"), .text("SESSION"), .text("DETAIL"),
        ])
        for event in events {
            table.add([
                Table.Cell(Units.clock(event["time"]?.string, now: now), .dim),
                Table.Cell(event["kind"]?.string ?? Units.absent),
                Table.Cell(event["name"]?.string ?? Units.absent, .bold),
                status(event), Table.Cell(duration(event["duration_ms"])),
                Table.Cell(event["session"]?.string ?? Units.absent, .dim), detail(event),
            ])
        }
        return table
    }

    static func status(_ event: JSON) -> Table.Cell {
        let word = event["status"]?.string
        return Table.Cell(word ?? Units.absent, Style.color(ofStatus: word))
    }

    static func duration(_ value: JSON?) -> String {
        value?.double.map { Units.duration(ms: $0) } ?? Units.absent
    }

    /// The error where there is one, else the attributes.
    static func detail(_ event: JSON) -> Table.Cell {
        if let error = event["error"]?.string { return Table.Cell(error, .red) }
        let attributes = event["attributes"]?.members ?? []
        let words = attributes.map { "\($0.name)=\($0.value.string ?? $0.value.text)" }
        return Table.Cell(words.joined(separator: " "), .dim)
    }
}

/// The rows of an answer, or words where there are none.
extension Screen {
    mutating func show(_ table: Table, orElse empty: String) {
        if table.rows.isEmpty {
            Diagnostics.write(empty)
        } else {
            let fitting = tableColumns.map { table.dropping(toFit: $0) } ?? table
            write(fitting.lines(width: tableColumns, style: style))
        }
    }

    /// Where an answer has more rows, how to see them. On standard error: it is no data.
    func tellOfMore(_ reply: JSON) {
        if let cursor = reply["next_cursor"]?.string {
            Diagnostics.write("there is more: add --cursor \(cursor)")
        }
    }
}
