public import QuipuModel

// Answers about events as they go over the wire: names in snake_case with their units, times in RFC
// 3339.

extension Event {
    public var json: JSON {
        var members: [JSON.Member] = [
            JSON.Member("seq", .int(seq)), JSON.Member("time", .string(time.rfc3339)),
        ]
        if timeIsArrival { members.append(JSON.Member("time_is", "arrival")) }
        members += [
            JSON.Member("kind", .string(kind)),
            JSON.Member("name", .optional(name)),
            JSON.Member("status", .optional(status.word)),
            JSON.Member("duration_ms", .optional(durationMs.map(Round.toThousandth))),
            JSON.Member("session", .optional(session)),
            JSON.Member("task", .optional(task)),
            JSON.Member("agent", .optional(agent)),
            JSON.Member("error", .optional(error)),
            JSON.Member(
                "source", ["path": .string(sourcePath), "offset": .int(sourceOffset)]),
            JSON.Member("attributes", attributesJSON.isEmpty ? [:] : .raw(attributesJSON)),
        ]
        return .object(members + knownMembers)
    }

    /// Members that are only there where something is known.
    private var knownMembers: [JSON.Member] {
        var members = context.json
        if let errorCategory {
            members.append(JSON.Member("error_category", .string(errorCategory.word)))
        }
        return members
    }
}

extension [ContextColumn: String] {
    /// What is known, in one order.
    var json: [JSON.Member] {
        ContextColumn.allCases.compactMap { column in
            self[column].map { JSON.Member(column.rawValue, .string($0)) }
        }
    }
}

extension Scalar {
    public var json: JSON {
        switch self {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .number(number)
        case .string(let text): .string(text)
        }
    }
}

extension DurationSummary {
    /// Numbers of any size and unit: not rounded.
    var exact: JSON {
        [
            "min": .number(min), "avg": .number(avg), "p50": .number(p50), "p90": .number(p90),
            "p99": .number(p99), "max": .number(max),
        ]
    }

    /// All in milliseconds, to the microsecond.
    public var json: JSON {
        func value(_ milliseconds: Double) -> JSON { .number(Round.toThousandth(milliseconds)) }
        return [
            "min": value(min), "avg": value(avg), "p50": value(p50), "p90": value(p90),
            "p99": value(p99), "max": value(max),
        ]
    }
}

extension OutcomeCounts {
    var members: [JSON.Member] {
        [
            JSON.Member("count", .int(Int64(count))), JSON.Member("ok", .int(Int64(ok))),
            JSON.Member("errors", .int(Int64(errors))),
            JSON.Member("blocked", .int(Int64(blocked))),
            JSON.Member("running", .int(Int64(running))),
            JSON.Member(
                "success_rate_percent", .optional(successRatePercent.map(Round.toHundredth))),
        ]
    }
}

extension EventGroup {
    public var json: JSON {
        let names = JSON.object(group.map { JSON.Member($0.name, $0.value.json) })
        let totals = JSON.object(sums.map { JSON.Member($0.path, .number($0.value)) })
        return .object(
            [JSON.Member("group", names)] + counts.members + [
                JSON.Member("duration_ms", duration?.json ?? .null),
                JSON.Member("last", .string(last.rfc3339)), JSON.Member("sum", totals),
            ] + distributions)
    }

    /// Only where some were asked for.
    private var distributions: [JSON.Member] {
        guard !quantiles.isEmpty else { return [] }
        let members = quantiles.map { JSON.Member($0.path, $0.summary?.exact ?? .null) }
        return [JSON.Member("quantiles", .object(members))]
    }
}

extension ToolStatistics {
    public var json: JSON {
        .object(
            [JSON.Member("name", .string(name))] + counts.members + [
                JSON.Member("duration_ms", duration?.json ?? .null),
                JSON.Member("last_used", .string(lastUsed.rfc3339)),
                JSON.Member("errors_by_category", categories),
            ])
    }

    private var categories: JSON {
        .object(
            ErrorCategory.allCases.compactMap { category in
                errorsByCategory[category].map { JSON.Member(category.word, .int(Int64($0))) }
            })
    }
}

extension Page {
    /// `{"<name>":[…],"next_cursor":"…"}`; the cursor only where there is more.
    public func json(_ name: String, _ encode: (Row) -> JSON) -> JSON {
        .object([JSON.Member(name, .array(rows.map(encode)))] + cursorMember)
    }

    var cursorMember: [JSON.Member] {
        nextCursor.map { [JSON.Member("next_cursor", .string($0))] } ?? []
    }
}

/// Figures are computed in floating point; digits that mean nothing stay off the wire.
enum Round {
    /// Milliseconds: to the microsecond.
    static func toThousandth(_ value: Double) -> Double { rounded(value, 1_000) }
    /// Percentages.
    static func toHundredth(_ value: Double) -> Double { rounded(value, 100) }

    private static func rounded(_ value: Double, _ scale: Double) -> Double {
        let scaled = (value * scale).rounded() / scale
        return scaled.isFinite ? scaled : value
    }
}
