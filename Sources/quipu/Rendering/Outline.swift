import QuipuModel
import QuipuProtocol

/// An object as indented lines of name and figure, in units told by the names.
struct Outline {
    var now: Timestamp
    var style: Style

    func lines(_ object: JSON) -> [String] {
        rows(object, depth: 0).map { row in
            let title = String(repeating: "  ", count: row.depth) + row.title
            guard let cell = row.cell else { return style.paint(title, .bold) }
            let padding = max(1, 24 - Visible.columns(title))
            return title + String(repeating: " ", count: padding)
                + style.paint(Visible.text(cell.text), cell.color)
        }
    }

    private struct Row {
        var depth: Int
        var title: String
        /// Nil for a heading.
        var cell: Table.Cell?
    }

    /// - Parameter unit: what the figures of an object such as `latency_ms` are in.
    private func rows(_ object: JSON, depth: Int, unit: String = "") -> [Row] {
        (object.members ?? []).flatMap { member in
            row(member.name, member.value, depth: depth, unit: unit)
        }
    }

    private func row(
        _ name: String, _ value: JSON, depth: Int, unit: String = ""
    ) -> [Row] {
        let title = Outline.title(name)
        switch value {
        case .object(let members) where members.isEmpty:
            return [Row(depth: depth, title: title, cell: "none")]
        case .object:
            return [Row(depth: depth, title: title)]
                + rows(value, depth: depth + 1, unit: Outline.unit(of: name) ?? "")
        case .array(let values) where values.isEmpty:
            return [Row(depth: depth, title: title, cell: "none")]
        case .array(let values):
            return [Row(depth: depth, title: title)]
                + values.enumerated().flatMap { row("\($0 + 1)", $1, depth: depth + 1) }
        default: return [Row(depth: depth, title: title, cell: cell(name + unit, value))]
        }
    }

    /// The unit that ends a name; rates have theirs in words.
    private static func unit(of name: String) -> String? {
        let units = ["_bytes", "_ms", "_s", "_seconds", "_percent", "_usd"]
        return name.hasSuffix("_per_s") ? nil : units.first(where: name.hasSuffix)
    }

    /// `rss_bytes` → `rss`: the figure shows the unit.
    private static func title(_ name: String) -> String {
        let title = name.dropLast(unit(of: name)?.count ?? 0)
        return Visible.text(String(title.map { $0 == "_" ? " " : $0 }))
    }

    private func cell(_ name: String, _ value: JSON) -> Table.Cell {
        switch value {
        case .null: return Table.Cell(Units.absent, .dim)
        case .bool(let flag): return Table.Cell(flag ? "yes" : "no")
        case .string(let text):
            if Timestamp(rfc3339: text) != nil {
                return Table.Cell("\(Units.ago(text, now: now)) (\(text))")
            }
            return Table.Cell(text, Style.color(ofStatus: text))
        case .int, .double:
            // A version is a name, not a count.
            if name.hasSuffix("version") || name == "pid" || name == "uid" {
                return Table.Cell(value.text)
            }
            return Table.Cell(Units.value(value.double ?? 0, named: name))
        case .array, .object, .raw: return Table.Cell(value.text)
        }
    }
}
