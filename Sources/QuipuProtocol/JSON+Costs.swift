public import QuipuModel

// Answers about model calls and money as they go over the wire.

extension TokenCounts {
    public var json: JSON {
        [
            "input": .int(input), "cache_write_5m": .int(cacheWrite5m),
            "cache_write_1h": .int(cacheWrite1h), "cache_read": .int(cacheRead),
            "output": .int(output),
        ]
    }
}

extension Round {
    /// Money: to a millionth of a cent, beyond which floating point adds noise.
    static func usd(_ value: Double) -> Double {
        let scaled = (value * 1e8).rounded() / 1e8
        return scaled.isFinite ? scaled : value
    }
}

extension JSON {
    static func usd(_ value: Double?) -> JSON { .optional(value.map(Round.usd)) }
}

extension CostFigures {
    public var members: [JSON.Member] {
        [
            JSON.Member("requests", .int(Int64(requests))),
            JSON.Member("tokens", tokens.json),
            JSON.Member("cost_usd", .usd(costUSD)),
            JSON.Member("unpriced_requests", .int(Int64(unpricedRequests))),
            JSON.Member("stated_usd", .usd(statedUSD)),
            JSON.Member(
                "cache_hit_percent", .optional(cacheHitPercent.map(Round.toHundredth))),
            JSON.Member("models", .array(models.sorted().map(JSON.string))),
            JSON.Member("first", .optional(first?.rfc3339)),
            JSON.Member("last", .optional(last?.rfc3339)),
        ]
    }
}

extension CostSummary {
    public var json: JSON {
        let page = groups.json("groups") { group in
            let names = group.group.map { JSON.Member($0.name, $0.value.json) }
            let date = group.date.map { [JSON.Member("date", .string($0))] } ?? []
            return .object(
                [JSON.Member("group", .object(names))] + date + group.figures.members)
        }
        return .object(
            (page.members ?? []) + [JSON.Member("total", .object(total.members))])
    }
}

extension CostBlock {
    public func json(_ query: BlockQuery) -> JSON {
        let projection = projection(now: query.now)
        var members = [
            JSON.Member("start", .string(start.rfc3339)),
            JSON.Member("end", .string(end.rfc3339)), JSON.Member("active", .bool(isActive)),
            JSON.Member("gap", .bool(isGap)),
        ]
        members += figures.members
        members += [
            JSON.Member("total_tokens", .int(figures.tokens.total)),
            JSON.Member("burn_rate", burnRate?.json ?? .null),
            JSON.Member("projection", projection?.json ?? .null),
        ]
        if let limit = query.tokenLimit, !isGap {
            let used = projection?.totalTokens ?? figures.tokens.total
            let percent = 100 * Double(used) / Double(limit)
            members.append(
                JSON.Member(
                    "token_limit",
                    [
                        "limit": .int(limit), "projected": .int(used),
                        "used_percent": .number(Round.toHundredth(percent)),
                        "status": percent > 100 ? "exceeds" : percent > 80 ? "warning" : "ok",
                    ]))
        }
        return .object(members)
    }
}

extension CostBlock.BurnRate {
    var json: JSON {
        [
            "tokens_per_minute": .number(Round.toHundredth(tokensPerMinute)),
            "fresh_tokens_per_minute": .number(Round.toHundredth(freshTokensPerMinute)),
            "cost_usd_per_hour": .usd(costUSDPerHour),
        ]
    }
}

extension CostBlock.Projection {
    var json: JSON {
        [
            "total_tokens": .int(totalTokens), "cost_usd": .usd(costUSD),
            "remaining_minutes": .int(remainingMinutes),
        ]
    }
}

extension Price.Rates {
    var members: [JSON.Member] {
        [
            JSON.Member("input", .number(input)), JSON.Member("output", .number(output)),
            JSON.Member("cache_write_5m", .number(cacheWrite5m)),
            JSON.Member("cache_write_1h", .number(cacheWrite1h)),
            JSON.Member("cache_read", .number(cacheRead)),
        ]
    }
}

extension Price {
    public var json: JSON {
        var members = [
            JSON.Member("model", .string(model)),
            JSON.Member("valid_from", .optional(validFrom?.rfc3339)),
        ]
        members += rates.members
        if let tier {
            members.append(
                JSON.Member(
                    "above",
                    .object([JSON.Member("tokens", .int(tier.tokens))] + tier.rates.members)))
        }
        members += [
            JSON.Member("fast_multiplier", .number(fastMultiplier)),
            JSON.Member("batch_multiplier", .number(batchMultiplier)),
            JSON.Member("source", .string(source.word)), JSON.Member("note", .string(note)),
            JSON.Member("version", .int(version)),
        ]
        return .object(members)
    }
}

extension PriceList {
    public var json: JSON {
        let page = prices.json("prices") { $0.json }
        let models = unpriced.map { model -> JSON in
            [
                "model": .optional(model.model), "requests": .int(Int64(model.requests)),
                "first": .string(model.first.rfc3339), "last": .string(model.last.rfc3339),
            ]
        }
        return .object((page.members ?? []) + [JSON.Member("unpriced", .array(models))])
    }
}

extension PriceChange {
    public var json: JSON {
        [
            "price": price.json, "priced_requests": .int(Int64(priced)),
            "recomputed_requests": .int(Int64(recomputed)),
        ]
    }
}

/// A limit and how far it is used.
public struct LimitState: Sendable, Equatable {
    public var limit: SpendLimit
    public var spentUSD: Double
    /// Nil for limits of a session, which nothing resets.
    public var resets: Timestamp?

    public init(limit: SpendLimit, spentUSD: Double, resets: Timestamp?) {
        self.limit = limit
        self.spentUSD = spentUSD
        self.resets = resets
    }

    public var usedPercent: Double { 100 * spentUSD / limit.limitUSD }
    public var isWarning: Bool { usedPercent >= Limits.spendWarningPercent }
    public var isPassed: Bool { spentUSD >= limit.limitUSD }

    public var json: JSON {
        var members = [
            JSON.Member("scope", limit.scope.json),
            JSON.Member("period", .string(limit.period.rawValue)),
            JSON.Member("limit_usd", .number(limit.limitUSD)),
            JSON.Member("spent_usd", .usd(spentUSD)),
            JSON.Member("used_percent", .number(Round.toHundredth(usedPercent))),
            JSON.Member("warning", .bool(isWarning)),
            JSON.Member("resets", .optional(resets?.rfc3339)),
        ]
        if let zone = limit.timeZone { members.append(JSON.Member("time_zone", .string(zone))) }
        return .object(members)
    }

    /// What subscribers of `alerts` get when a limit is nearly used up, or is.
    public func alert(session: String?) -> JSON {
        let session = session.map { [JSON.Member("session", .string($0))] } ?? []
        return .object(
            [JSON.Member("alert", isPassed ? "limit_passed" : "limit_warning")] + session
                + (json.members ?? []))
    }
}

extension SpendLimit.Scope {
    public var json: JSON {
        kind == .all ? "all" : .object([JSON.Member(kind.rawValue, .string(name))])
    }
}

/// `limits.check`.
public struct LimitVerdict: Sendable, Equatable {
    public var limits: [LimitState]

    public init(limits: [LimitState]) { self.limits = limits }

    public var isAllowed: Bool { !limits.contains { $0.isPassed } }

    public var json: JSON {
        ["allowed": .bool(isAllowed), "limits": .array(limits.map(\.json))]
    }
}
