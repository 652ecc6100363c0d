public import QuipuModel

/// `limits.set`: a limit, or that there shall be none.
public enum LimitRequest: Sendable, Equatable {
    case set(SpendLimit)
    case remove(SpendLimit.Scope, SpendLimit.Period)
}

/// `limits.check`: who is about to spend.
public struct LimitQuestion: Sendable, Equatable {
    public var user: String?
    public var project: String?
    public var session: String?

    public init(user: String? = nil, project: String? = nil, session: String? = nil) {
        self.user = user
        self.project = project
        self.session = session
    }
}

/// `prices.set`.
public struct PriceRequest: Sendable, Equatable {
    public var price: Price
    public var recompute: Bool
}

extension Parameters {
    private static let usageColumns = UsageColumn.allCases.map(\.rawValue)

    /// `costs.summary`.
    public mutating func costQuery() throws(RPCError) -> CostQuery {
        let filters = try usageFilters()
        let start = Parameters.starts[object["since"]?.string ?? ""]
        if start != nil { object = object.without("since") }
        let range = try timeRange()
        let groupBy = try strings("group_by", countMax: Limits.groupKeysMax) ?? []
        var keys: [CostKey] = []
        for word in groupBy {
            guard let key = CostKey(word: word) else {
                throw .invalid("group_by", Parameters.oneOf(CostKey.words))
            }
            keys.append(key)
        }
        let zone = try string("time_zone")
        let page = try page()
        try finish()
        var query = CostQuery(
            range: range, filters: filters, groupBy: keys, timeZone: zone, page: page)
        query.sinceStart = start.map { ($0, now) }
        query.sinceIsDate = Parameters.isDate(object["since"])
        query.untilIsDate = Parameters.isDate(object["until"])
        return query
    }

    /// Words for `since` that only a calendar can resolve.
    private static let starts: [String: GroupKey.Span] = [
        "today": .day, "this_week": .week, "this_month": .month,
    ]

    private static func isDate(_ value: JSON?) -> Bool {
        value?.string.map { $0.utf8.count == 10 && $0.utf8.contains(UInt8(ascii: "-")) } ?? false
    }

    /// `costs.blocks`.
    public mutating func blockQuery() throws(RPCError) -> BlockQuery {
        let filters = try usageFilters()
        let range = try timeRange()
        let hours = try int("session_hours", in: 1...Limits.costBlockHoursMax)
        let tokenLimit = try int("token_limit", in: 1...Int64.max)
        try finish()
        return BlockQuery(
            range: range, filters: filters,
            lengthSeconds: hours.map { $0 * 3_600 } ?? Limits.costBlockSecondsDefault,
            tokenLimit: tokenLimit, now: now)
    }

    /// `costs.reconcile`.
    public mutating func reconcileQuery() throws(RPCError) -> ReconcileQuery {
        let filters = try usageFilters()
        let range = try timeRange()
        let limit = try int("limit", in: 1...1_000)
        try finish()
        return ReconcileQuery(
            range: range, filters: filters,
            callsMax: Int(limit ?? Limits.reconciledCallsDefault))
    }

    /// `where`, over what is known of a model call.
    private mutating func usageFilters() throws(RPCError) -> [Filter] {
        let filters = try self.filters()
        for filter in filters where !Parameters.usageColumns.contains(filter.path) {
            throw .invalid(
                "where.\(filter.path)", Parameters.oneOf(Parameters.usageColumns))
        }
        return filters
    }

    // MARK: Limits

    /// `limits.list`.
    public mutating func limitList() throws(RPCError) { try finish() }

    /// `limits.check`.
    public mutating func limitQuestion() throws(RPCError) -> LimitQuestion {
        let question = LimitQuestion(
            user: try string("user"), project: try string("project"),
            session: try string("session"))
        try finish()
        return question
    }

    /// `limits.set`. A `limit_usd` of null takes the limit away.
    public mutating func limitRequest() throws(RPCError) -> LimitRequest {
        let scope = try scope(try required("scope"))
        guard let period: SpendLimit.Period = try word("period") else {
            throw .invalid("period", "missing")
        }
        let value = try required("limit_usd")
        let zone = try string("time_zone")
        try finish()
        if value == .null { return .remove(scope, period) }
        let usd = try Parameters.usd(value, path: "limit_usd")
        guard usd > 0 else { throw .invalid("limit_usd", "more than 0, or null for no limit") }
        return .set(
            SpendLimit(scope: scope, period: period, limitUSD: usd, timeZone: zone))
    }

    /// `"all"`, or one of user, project and session with its name.
    private func scope(_ value: JSON) throws(RPCError) -> SpendLimit.Scope {
        let hint = "\"all\", or {\"user\":…}, {\"project\":…} or {\"session\":…}"
        if value == "all" || value == [:] { return SpendLimit.Scope(.all) }
        guard let members = value.members, members.count == 1, let member = members.first,
            let kind = SpendLimit.ScopeKind(rawValue: member.name), kind != .all
        else { throw .invalid("scope", hint) }
        let name = try Parameters.string(member.value, path: "scope.\(member.name)")
        return SpendLimit.Scope(kind, name)
    }

    // MARK: Prices

    /// `prices.list`.
    public mutating func priceList() throws(RPCError) -> PageRequest {
        let page = try page()
        try finish()
        return page
    }

    /// `prices.set`. Without `valid_from`: since ever.
    public mutating func priceRequest() throws(RPCError) -> PriceRequest {
        let price = try price(source: .set)
        let recompute = try bool("recompute") ?? false
        try finish()
        return PriceRequest(price: price, recompute: recompute)
    }

    /// One member of the `prices` of a file.
    public mutating func filePrice() throws(RPCError) -> Price {
        let price = try price(source: .file)
        try finish()
        return price
    }

    private mutating func price(source: Price.Source) throws(RPCError) -> Price {
        let model = try requiredString("model")
        let validFrom = object["valid_from"] == .null ? nil : try time("valid_from")
        _ = value("valid_from")
        let rates = try rates()
        var price = Price(model: model, validFrom: validFrom, rates: rates, source: source)
        if let above = value("above") { price.tier = try tier(above) }
        price.fastMultiplier = try usd("fast_multiplier") ?? 1
        price.batchMultiplier = try usd("batch_multiplier") ?? 0.5
        price.note = try string("note") ?? ""
        return price
    }

    private mutating func rates() throws(RPCError) -> Price.Rates {
        guard let input = try usd("input") else { throw .invalid("input", "missing") }
        guard let output = try usd("output") else { throw .invalid("output", "missing") }
        return Price.Rates(
            input: input, output: output, cacheWrite5m: try usd("cache_write_5m"),
            cacheWrite1h: try usd("cache_write_1h"), cacheRead: try usd("cache_read"))
    }

    private func tier(_ value: JSON) throws(RPCError) -> Price.Tier {
        guard case .object = value else {
            throw .invalid("above", "an object, not \(Parameters.describe(value))")
        }
        var above = Parameters(value, now: now)
        do throws(RPCError) {
            let tokens = try above.requiredInt("tokens", in: 1...Int64(1) << 50)
            let tier = Price.Tier(tokens: tokens, rates: try above.rates())
            try above.finish()
            return tier
        } catch {
            throw error.below("above")
        }
    }

    private mutating func usd(_ name: String) throws(RPCError) -> Double? {
        guard let value = value(name) else { return nil }
        return try Parameters.usd(value, path: name)
    }

    private static func usd(_ value: JSON, path: String) throws(RPCError) -> Double {
        guard let number = value.double, number.isFinite else {
            throw .invalid(path, "a number, not \(describe(value))")
        }
        guard (0...Limits.priceUSDMax).contains(number) else {
            throw .invalid(path, "from 0 to \(Int64(Limits.priceUSDMax))")
        }
        return number
    }
}

/// The file of `prices_file`: `{"prices":[…]}`, each as `prices.set` takes it.
public enum PriceFile {
    public static func parse(_ bytes: [UInt8], now: Timestamp) throws(RPCError) -> [Price] {
        let document: JSON
        do throws(JSONError) {
            document = try JSON.parse(bytes, nestingMax: Limits.requestNestingMax)
        } catch {
            throw RPCError(.parseError, hint: error.message)
        }
        guard let members = document["prices"]?.array else {
            throw .invalid("prices", "a list of prices")
        }
        var prices: [Price] = []
        for (index, member) in members.enumerated() {
            do throws(RPCError) {
                var parameters = Parameters(member, now: now)
                prices.append(try parameters.filePrice())
            } catch {
                throw error.below("prices.\(index)")
            }
        }
        return prices
    }
}

extension JSON {
    fileprivate func without(_ name: String) -> JSON {
        guard let members else { return self }
        return .object(members.filter { $0.name != name })
    }
}
