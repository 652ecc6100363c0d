import ArgumentParser
import QuipuProtocol

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "What happened, newest first; or counted by --group-by.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var filter: EventFilterOptions
    @OptionGroup var range: RangeOptions
    @OptionGroup var page: PageOptions

    @Flag(help: "Oldest first.")
    var oldestFirst = false

    @Flag(help: "The longest duration first.")
    var slowestFirst = false

    @Option(
        help: ArgumentHelp(
            "Count by these, joined by commas: columns, hour, day, week, month, or attributes.",
            valueName: "words"))
    var groupBy: String?

    @Option(help: "With --group-by: attributes whose numbers are added up; may be repeated.")
    var sum: [String] = []

    @Option(
        help: "With --group-by: attributes whose numbers' distribution is told; may be repeated.")
    var quantiles: [String] = []

    @Option(
        name: [.customShort("z"), .customLong("timezone"), .customLong("time-zone")],
        help: "With --group-by: whose hours, days, weeks and months. (default: UTC)")
    var timeZone: String?

    func validate() throws {
        if groupBy == nil, !sum.isEmpty || !quantiles.isEmpty || timeZone != nil {
            throw ValidationError("--sum, --quantiles and --timezone need --group-by")
        }
        if groupBy != nil, oldestFirst || slowestFirst {
            throw ValidationError("an order has no meaning with --group-by")
        }
        if oldestFirst, slowestFirst { throw ValidationError("one order at a time") }
    }

    func run() throws {
        var params = Params()
        filter.add(to: &params)
        range.add(to: &params)
        page.add(to: &params)
        guard let groupBy else { return try list(params) }
        let words = groupBy.split(separator: ",").map { JSON.string(String($0)) }
        params.set("group_by", .array(words))
        if !sum.isEmpty { params.set("sum", .array(sum.map(JSON.string))) }
        if !quantiles.isEmpty { params.set("quantiles", .array(quantiles.map(JSON.string))) }
        params.set("time_zone", timeZone)
        try global.ask(.eventsSummary, params) { reply, screen in
            let groups = reply["groups"]?.array ?? []
            screen.show(GroupRows.table(groups), orElse: "no events match")
            screen.tellOfMore(reply)
        }
    }

    private func list(_ given: Params) throws {
        var params = given
        if oldestFirst { params.set("order", "asc") }
        if slowestFirst { params.set("order", "slowest") }
        try global.ask(.eventsQuery, params) { reply, screen in
            let table = EventRows.table(reply["events"]?.array ?? [], now: screen.now)
            screen.show(table, orElse: "no events match; --since 7d looks further back")
            screen.tellOfMore(reply)
        }
    }
}

enum GroupRows {
    private static let quantiles = ["p50", "p90", "max"]

    static func table(_ groups: [JSON]) -> Table {
        let names = (groups.first?["group"]?.members ?? []).map(\.name)
        let sums = (groups.first?["sum"]?.members ?? []).map(\.name)
        let spread = (groups.first?["quantiles"]?.members ?? []).map(\.name)
        var table = Table(
            names.map { .text(Visible.text($0).uppercased()) } + [
                .number("COUNT"), .number("ERRORS"), .number("SUCCESS"), .number("AVG"),
                .number("P50"), .number("P99"), .number("MAX"),
            ] + sums.map { .number(Visible.text($0).uppercased()) }
                + spread.flatMap { name in
                    quantiles.map {
                        .number("\(Visible.text(name).uppercased()) \($0.uppercased())")
                    }
                })
        for group in groups {
            let members = names.map { name in
                Table.Cell(word(group["group"]?[name]), .bold)
            }
            let totals = sums.map { name in
                Table.Cell(
                    group["sum"]?[name]?.double.map { Units.value($0, named: name) }
                        ?? Units.absent)
            }
            let distributions = spread.flatMap { name in
                quantiles.map { quantile in
                    Table.Cell(
                        group["quantiles"]?[name]?[quantile]?.double.map {
                            Units.value($0, named: name)
                        } ?? Units.absent)
                }
            }
            table.add(members + figures(group) + totals + distributions)
        }
        return table
    }

    private static func word(_ value: JSON?) -> String {
        guard let value, value != .null else { return Units.absent }
        return value.string ?? value.text
    }

    private static func figures(_ group: JSON) -> [Table.Cell] {
        let durations = ["avg", "p50", "p99", "max"].map { name in
            Table.Cell(EventRows.duration(group["duration_ms"]?[name]))
        }
        return [Outcome.count(group, "count"), Outcome.errors(group), Outcome.success(group)]
            + durations
    }
}

/// Cells for counts by outcome, as groups, tools and sessions have them.
enum Outcome {
    static func count(_ row: JSON, _ name: String) -> Table.Cell {
        Table.Cell(row[name]?.int.map(Units.grouped) ?? Units.absent)
    }

    static func errors(_ row: JSON) -> Table.Cell {
        let isAny = (row["errors"]?.int ?? 0) > 0
        return Table.Cell(count(row, "errors").text, isAny ? .red : nil)
    }

    static func success(_ row: JSON) -> Table.Cell {
        Table.Cell(row["success_rate_percent"]?.double.map(Units.percent) ?? Units.absent)
    }
}
