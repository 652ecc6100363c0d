import ArgumentParser
import QuipuProtocol

struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract:
            "What became of every line: received = stored + merged + blank + rejected + lost.",
        discussion: "Ends with 1 when it does not balance.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var page: PageOptions

    func run() throws {
        var params = Params()
        page.add(to: &params)
        let ledger = try global.ask(.ledger, params) { ledger, screen in
            LedgerView.show(ledger, on: &screen)
        }
        if ledger["balanced"] != true { throw ExitStatus.failed }
    }
}

enum LedgerView {
    static func show(_ ledger: JSON, on screen: inout Screen) {
        let isBalanced = ledger["balanced"] == true
        screen.write(
            screen.style.paint(
                isBalanced ? "balanced" : "NOT BALANCED", isBalanced ? .green : .red))
        screen.write("")
        var table = Table(
            [.path("SOURCE"), .number("RECEIVED"), .number("STORED"), .number("MERGED")]
                + [.number("BLANK"), .number("REJECTED"), .number("LOST"), .number("LAG")])
        for source in ledger["sources"]?.array ?? [] {
            table.add(row(source["path"]?.string ?? Units.absent, source))
        }
        table.add(row("total", ledger["total"] ?? .null))
        screen.write(table.lines(width: screen.tableColumns, style: screen.style))
        showReasons("rejected", ledger, on: &screen)
        showReasons("lost", ledger, on: &screen)
        showRejects(ledger["rejects"]?.array ?? [], on: &screen)
        screen.tellOfMore(ledger)
    }

    private static func row(_ title: String, _ account: JSON) -> [Table.Cell] {
        func count(_ name: String) -> Table.Cell {
            Table.Cell(account[name]?.int.map(Units.grouped) ?? Units.absent)
        }
        func sum(_ name: String) -> Table.Cell {
            let counts = (account[name]?.members ?? []).compactMap(\.value.int)
            let total = counts.reduce(0, &+)
            return Table.Cell(Units.grouped(total), total > 0 ? .red : nil)
        }
        let lag = account["lag_bytes"]?.double.map(Units.bytes) ?? Units.absent
        return [
            Table.Cell(title), count("received"), count("stored"), count("merged"),
            count("blank"), sum("rejected"), sum("lost"), Table.Cell(lag),
        ]
    }

    private static func showReasons(_ name: String, _ ledger: JSON, on screen: inout Screen) {
        let counts = ledger["total"]?[name]?.members ?? []
        guard !counts.isEmpty else { return }
        let words = counts.map { "\($0.name) \(Units.grouped($0.value.int ?? 0))" }
        screen.write("")
        screen.write("\(name): " + Visible.text(words.joined(separator: ", ")))
    }

    private static func showRejects(_ rejects: [JSON], on screen: inout Screen) {
        guard !rejects.isEmpty else { return }
        var table = Table([
            .word("REJECTED"), .path("SOURCE"), .number("OFFSET"), .word("REASON"), .text("LINE"),
        ])
        for reject in rejects {
            table.add([
                Table.Cell(Units.clock(reject["time"]?.string, now: screen.now), .dim),
                Table.Cell(reject["path"]?.string ?? Units.absent),
                Table.Cell(reject["offset"]?.int.map(Units.grouped) ?? Units.absent),
                Table.Cell(reject["reason"]?.string ?? Units.absent, .red),
                Table.Cell(reject["head"]?.string ?? ""),
            ])
        }
        screen.write("")
        screen.write(table.lines(width: screen.tableColumns, style: screen.style))
    }
}
