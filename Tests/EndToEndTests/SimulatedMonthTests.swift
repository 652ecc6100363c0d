import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// Goal: every total that any method answers is what really happened. Method: a month of five
/// projects with all the duplicates, forks, resumed copies and rewritten files that real agents
/// leave, whose generator counts by itself.
@Suite(.serialized) struct SimulatedMonthTests {
    @Test(.timeLimit(.minutes(15))) func everyTotalIsTheTruth() throws {
        let month = try SimulatedMonth(days: 30, projects: 5, seed: 1)
        try month.deliver()
        #expect(try month.rig.ask("ledger")["balanced"] == true)
        #expect(try month.rig.ask("ledger")["total"]?["rejected"] == [:])
        try checkCalls(month)
        try checkCosts(month)
        try checkSessions(month)
        try checkFiles(month)
        try checkTasks(month)
        try checkOverview(month)
    }

    /// Compares value by value, and shows only what differs.
    private func expectSame(
        _ found: [String: JSON], _ expected: [String: JSON], _ what: String
    ) {
        for key in Set(found.keys).union(expected.keys).sorted() where found[key] != expected[key] {
            Issue.record(
                """
                \(what) of \(key): \(found[key]?.text ?? "nothing") instead of \
                \(expected[key]?.text ?? "nothing")
                """)
        }
    }

    private func members(_ json: JSON?) -> [String: JSON] {
        var all: [String: JSON] = [:]
        for member in json?.members ?? [] { all[member.name] = member.value }
        return all
    }

    // MARK: Calls

    private func checkCalls(_ month: SimulatedMonth) throws {
        let tools = try month.pages("tools.stats", "tools", [SimulatedMonth.since])
        var found: [String: JSON] = [:]
        for tool in tools {
            found[tool["name"]?.string ?? ""] = [
                "count": tool["count"] ?? 0, "ok": tool["ok"] ?? 0, "error": tool["errors"] ?? 0,
                "blocked": tool["blocked"] ?? 0, "running": tool["running"] ?? 0,
            ]
        }
        expectSame(found, members(month.truth["tools"]), "calls")

        let days = try summary(month, ["day"], [.init("kind", "tool_use"), month.zone])
        expectSame(
            try keyed(days) { try month.date($0) },
            members(month.truth["calls_by_day"]).mapValues { $0["count"] ?? 0 }, "calls by day")
        let projects = try summary(month, ["project"], [.init("kind", "tool_use")])
        expectSame(
            try keyed(projects) { $0 },
            members(month.truth["calls_by_project"]).mapValues { $0["count"] ?? 0 },
            "calls by project")
        // What a subagent is asked, no person has typed.
        let prompts = try summary(
            month, ["day"],
            [.init("kind", "prompt"), month.zone])
        expectSame(
            try keyed(prompts) { try month.date($0) }, members(month.truth["prompts_by_day"]),
            "prompts by day")
        var categories: [String: JSON] = [:]
        for tool in tools {
            for category in tool["errors_by_category"]?.members ?? [] {
                let sum = (categories[category.name]?.int ?? 0) + (category.value.int ?? 0)
                categories[category.name] = .int(sum)
            }
        }
        expectSame(categories, members(month.truth["error_categories"]), "errors by category")
    }

    private func summary(
        _ month: SimulatedMonth, _ keys: [String], _ more: [JSON.Member]
    ) throws -> [JSON] {
        let params: [JSON.Member] =
            [SimulatedMonth.since, .init("group_by", .array(keys.map(JSON.string)))] + more
        return try month.pages("events.summary", "groups", params)
    }

    /// Counts by the only key of their group; what has none is empty.
    private func keyed(
        _ groups: [JSON], _ name: (String) throws -> String
    ) throws -> [String: JSON] {
        var counts: [String: JSON] = [:]
        for group in groups {
            let key = group["group"]?.members?.first?.value.string
            counts[try key.map(name) ?? ""] = group["count"]
        }
        return counts
    }

    // MARK: Costs

    /// Without fractions of a nano-dollar, which floating point may add.
    private func usage(_ figures: JSON) -> JSON {
        let dollars = figures["cost_usd"]?.double ?? 0
        return [
            "requests": figures["requests"] ?? 0, "tokens": figures["tokens"] ?? .null,
            "cost_micro_usd": .int(Int64((dollars * 1e6).rounded())),
            "unpriced_requests": figures["unpriced_requests"] ?? 0,
        ]
    }

    private func expected(_ figures: JSON) -> JSON {
        let nano = figures["cost_nano_usd"]?.int ?? 0
        return [
            "requests": figures["requests"] ?? 0, "tokens": figures["tokens"] ?? .null,
            "cost_micro_usd": .int((nano + 500) / 1_000),
            "unpriced_requests": figures["unpriced_requests"] ?? 0,
        ]
    }

    private func checkCosts(_ month: SimulatedMonth) throws {
        for key in ["model", "project", "day"] {
            let groups = try month.pages(
                "costs.summary", "groups",
                [SimulatedMonth.since, .init("group_by", [.string(key)])]
                    + (key == "day" ? [month.zone] : []))
            var found: [String: JSON] = [:]
            for group in groups {
                let name = group["date"]?.string ?? group["group"]?[key]?.string ?? ""
                found[name] = usage(group)
            }
            expectSame(
                found, members(month.truth["usage_by"]?[key]).mapValues(expected), "cost by \(key)")
        }
        let total = try month.rig.ask("costs.summary", .object([SimulatedMonth.since]))["total"]
        #expect(total.map(usage) == month.truth["usage"].map(expected))
        let sessions = try month.pages(
            "costs.summary", "groups", [SimulatedMonth.since, .init("group_by", ["session"])])
        var families: [String: Int64] = [:]
        for group in sessions {
            let session = group["group"]?["session"]?.string ?? ""
            let family = month.truth["sessions"]?[session]?["family"]?.string ?? session
            families[family, default: 0] += group["requests"]?.int ?? 0
        }
        expectSame(
            families.mapValues(JSON.int),
            members(month.truth["usage_by"]?["family"]).mapValues { $0["requests"] ?? 0 },
            "requests by family of sessions")
    }

    // MARK: Sessions

    /// A fork's copies may be the one's or the other's: what both have together is the truth.
    private func checkSessions(_ month: SimulatedMonth) throws {
        var found: [String: [Int64]] = [:]
        var ids: Set<String> = []
        for session in try month.pages("sessions.list", "sessions", [SimulatedMonth.since]) {
            let id = session["session"]?.string ?? ""
            ids.insert(id)
            let family = month.truth["sessions"]?[id]?["family"]?.string ?? id
            let figures = ["tool_count", "errors", "blocked"].map { session[$0]?.int ?? 0 }
            found[family] = zip(found[family] ?? [0, 0, 0], figures).map { $0 + $1 }
        }
        var expected: [String: [Int64]] = [:]
        for session in month.truth["sessions"]?.members ?? [] {
            let calls = session.value["calls"]
            let figures = ["count", "error", "blocked"].map { calls?[$0]?.int ?? 0 }
            let family = session.value["family"]?.string ?? ""
            expected[family] = zip(expected[family] ?? [0, 0, 0], figures).map { $0 + $1 }
        }
        // Errors of a session are those of all its events, of which calls are not all.
        func tools(_ figures: [String: [Int64]]) -> [String: JSON] {
            figures.mapValues { ["calls": .int($0[0]), "blocked": .int($0[2])] }
        }
        expectSame(tools(found), tools(expected), "calls of sessions")
        let known = Set((month.truth["sessions"]?.members ?? []).map(\.name))
        #expect(ids == known)
    }

    // MARK: The rest

    private func checkFiles(_ month: SimulatedMonth) throws {
        var found: [String: JSON] = [:]
        for file in try month.pages("files.list", "files", [SimulatedMonth.since]) {
            found[file["path"]?.string ?? ""] = [
                "reads": file["reads"] ?? 0, "writes": file["writes"] ?? 0,
                "edits": file["edits"] ?? 0,
            ]
        }
        let expected = members(month.truth["files"]).mapValues { file -> JSON in
            [
                "reads": file["reads"] ?? 0, "writes": file["writes"] ?? 0,
                "edits": file["edits"] ?? 0,
            ]
        }
        expectSame(found, expected, "uses of files")
    }

    private func checkTasks(_ month: SimulatedMonth) throws {
        var found: [String: JSON] = [:]
        for task in try month.pages("tasks.list", "tasks", [SimulatedMonth.since]) {
            found[task["task"]?.string ?? ""] = task["status"]
        }
        expectSame(found, members(month.truth["tasks"]), "status of tasks")
    }

    private func checkOverview(_ month: SimulatedMonth) throws {
        let overview = try month.rig.ask("overview", .object([SimulatedMonth.since]))
        #expect(overview["tool_calls"] == month.truth["calls"]?["count"])
        #expect(overview["api_requests"] == month.truth["usage"]?["requests"])
        #expect(
            overview["unpriced_requests"] == month.truth["usage"]?["unpriced_requests"])
        let sessions = month.truth["sessions"]?.members ?? []
        #expect(overview["sessions"]?["total"]?.int == Int64(sessions.count))
        let nano = month.truth["usage"]?["cost_nano_usd"]?.double ?? 0
        #expect(abs((overview["api_cost_usd"]?.double ?? 0) - nano / 1e9) < 1e-4)
    }
}
