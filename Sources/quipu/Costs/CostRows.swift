import QuipuModel
import QuipuProtocol

/// Costs in the columns that people know from ccusage.
struct CostRows {
    let heading: String
    /// The member of `group`.
    let key: String

    func show(_ reply: JSON, details: JSON?, on screen: inout Screen) {
        let groups = reply["groups"]?.array ?? []
        guard !groups.isEmpty else {
            Diagnostics.write("no model calls match")
            return
        }
        var table = table(groups, details: details?["groups"]?.array ?? [])
        if let total = reply["total"] {
            table.add(Self.cells(total, name: Table.Cell("Total", .bold), isTotal: true))
        }
        if let width = screen.tableColumns { table = table.dropping(toFit: width) }
        screen.write(table.lines(width: screen.tableColumns, style: screen.style))
        Self.tellOfUnpriced(reply["total"], on: &screen)
        screen.tellOfMore(reply)
    }

    func table(_ groups: [JSON], details: [JSON]) -> Table {
        var table = Table([
            key == "session" || key == "project" ? .path(heading) : .word(heading),
            .text("Models").rank(1), .number("Input"), .number("Output"),
            .number("Cache Create").rank(3), .number("Cache Read").rank(4),
            .number("Total Tokens").rank(2), .number("Cost (USD)"),
        ])
        for group in groups {
            table.add(Self.cells(group, name: Table.Cell(name(group), .bold)))
            for detail in details where detail["group"]?[key] == group["group"]?[key] {
                let model = detail["group"]?["model"]?.string ?? "unknown"
                table.add(
                    Self.cells(
                        detail, name: Table.Cell("  └─ " + ModelText.short(model), .dim),
                        isTotal: true))
            }
        }
        return table
    }

    private func name(_ group: JSON) -> String {
        group["date"]?.string ?? group["group"]?[key]?.string ?? "unknown"
    }

    private static func cells(
        _ figures: JSON, name: Table.Cell, isTotal: Bool = false
    ) -> [Table.Cell] {
        let tokens = figures["tokens"]
        func count(_ names: [String]) -> Int64 {
            names.reduce(0) { $0.addingCount(tokens?[$1]?.int ?? 0) }
        }
        let models = (figures["models"]?.array ?? []).compactMap(\.string).map(ModelText.short)
        let writes = ["cache_write_5m", "cache_write_1h"]
        let all = ["input", "output", "cache_read"] + writes
        return [
            name, Table.Cell(isTotal ? "" : models.joined(separator: ", ")),
            Table.Cell(Units.grouped(count(["input"]))),
            Table.Cell(Units.grouped(count(["output"]))), Table.Cell(Units.grouped(count(writes))),
            Table.Cell(Units.grouped(count(["cache_read"]))),
            Table.Cell(Units.grouped(count(all))), Table.Cell(cost(figures), .bold),
        ]
    }

    /// `$1,234.50`; `$1.23*` where some calls have no known price, `?` where none has.
    static func cost(_ figures: JSON) -> String {
        guard let usd = figures["cost_usd"]?.double else { return "?" }
        return Money.text(usd) + (figures["unpriced_requests"]?.int ?? 0 > 0 ? "*" : "")
    }

    static func tellOfUnpriced(_ total: JSON?, on screen: inout Screen) {
        let count = total?["unpriced_requests"]?.int ?? 0
        guard count > 0 else { return }
        screen.write(
            screen.style.paint(
                "* \(Units.grouped(count, "call")) of models without a known price: quipu prices",
                .dim))
    }
}

enum Money {
    /// `$0.23`, `$1,234.50`
    static func text(_ usd: Double) -> String {
        guard usd.isFinite, abs(usd) < 1e15 else { return Units.absent }
        let cents = Int64((abs(usd) * 100).rounded())
        let rest = cents % 100
        let sign = usd < 0 && cents > 0 ? "-" : ""
        return "\(sign)$\(Units.grouped(cents / 100)).\(rest < 10 ? "0" : "")\(rest)"
    }
}

enum ModelText {
    /// `opus-4-5` for `claude-opus-4-5-20251101`.
    static func short(_ model: String) -> String {
        var parts = model.split(separator: "-", omittingEmptySubsequences: false)
        if parts.count > 2, parts.first == "claude" { parts.removeFirst() }
        if parts.count > 1, let last = parts.last, last.count == 8,
            last.utf8.allSatisfy({ (48...57).contains($0) })
        {
            parts.removeLast()
        }
        return parts.joined(separator: "-")
    }
}
