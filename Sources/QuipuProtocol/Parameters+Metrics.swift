public import QuipuModel

extension Parameters {
    /// `metrics.query`: `metric`, or `metrics` by name and perhaps a `formula` over the names.
    /// Without `until` it ends with the step that holds now.
    public mutating func metricQuery() throws(RPCError) -> MetricQuery {
        var (metrics, formula) = try operands()
        try readTypes(of: &metrics)
        var range = try timeRange()
        let isOpen = object["until"] == nil
        if isOpen { range.until = max(range.since, now) }
        let filters = try self.filters()
        let step = try step(over: range)
        if isOpen { range.until = .seconds(range.until.bucket(seconds: step) + step) }
        let zone = try string("time_zone")
        let aggregates = try aggregates()
        let groupBy = try strings("group_by", countMax: Limits.groupKeysMax) ?? []
        let fill: MetricFill? = try word("fill")
        let top = try int("top", in: 1...Int64(Limits.groupsPerReplyMax))
        try finish()
        var query = MetricQuery(
            metrics: metrics, formula: formula, range: range, filters: filters, stepSeconds: step,
            timeZone: zone, aggregates: aggregates, groupBy: groupBy, fill: fill ?? .none,
            top: top.map { Int($0) })
        query.now = now
        return query
    }

    private mutating func operands() throws(RPCError) -> ([MetricQuery.Operand], Formula?) {
        let metric = try string("metric")
        let named = try namedMetrics()
        let formula = try formula(over: named ?? [])
        switch (metric, named) {
        case (let metric?, nil): return ([MetricQuery.Operand(name: "", metric: metric)], nil)
        case (nil, let named?): return (named, formula)
        case (nil, nil): throw .invalid("metric", "missing")
        case (_?, _?): throw .invalid("metrics", "not beside metric")
        }
    }

    /// `type`: a word for all, or by the names in `metrics`.
    private mutating func readTypes(
        of operands: inout [MetricQuery.Operand]
    ) throws(RPCError) {
        guard let value = value("type") else { return }
        guard let members = value.members else {
            let type = try Parameters.metricType(try Parameters.string(value, path: "type"))
            for index in operands.indices { operands[index].type = type }
            return
        }
        for member in members {
            let path = "type.\(member.name)"
            let named = operands.firstIndex { !$0.name.isEmpty && $0.name == member.name }
            guard let named else { throw .invalid(path, "none of metrics") }
            operands[named].type = try Parameters.metricType(
                try Parameters.string(member.value, path: path), path: path)
        }
    }

    private mutating func namedMetrics() throws(RPCError) -> [MetricQuery.Operand]? {
        guard let value = value("metrics") else { return nil }
        guard let members = value.members, !members.isEmpty else {
            throw .invalid("metrics", "an object, such as {\"a\":\"api.errors\"}")
        }
        guard members.count <= Limits.metricsPerQueryMax else {
            throw RPCError(
                .limitExceeded, path: "metrics", hint: "at most \(Limits.metricsPerQueryMax)")
        }
        var operands: [MetricQuery.Operand] = []
        for member in members {
            let path = "metrics.\(member.name)"
            guard (try? Formula(member.name))?.names == [member.name] else {
                throw .invalid(path, "names are letters, digits and _, a letter or _ first")
            }
            guard !operands.contains(where: { $0.name == member.name }) else {
                throw .invalid(path, "named twice")
            }
            operands.append(
                MetricQuery.Operand(
                    name: member.name, metric: try Parameters.string(member.value, path: path)))
        }
        return operands
    }

    private mutating func formula(
        over operands: [MetricQuery.Operand]
    ) throws(RPCError) -> Formula? {
        guard let text = try string("formula") else { return nil }
        let formula: Formula
        do {
            formula = try Formula(text)
        } catch {
            throw .invalid("formula", "at column \(error.column): expected \(error.expected)")
        }
        for name in formula.names where !operands.contains(where: { $0.name == name }) {
            throw .invalid("formula", "\(name) is none of metrics")
        }
        guard !formula.names.isEmpty else { throw .invalid("formula", "it names no metric") }
        return formula
    }

    /// Without `aggregate`: all that need no sketch.
    private mutating func aggregates() throws(RPCError) -> [MetricQuery.NamedAggregate] {
        let words =
            try strings("aggregate", countMax: Limits.aggregatesMax)
            ?? ["count", "sum", "avg", "min", "max", "last"]
        guard !words.isEmpty else { throw .invalid("aggregate", "at least one") }
        var named: [MetricQuery.NamedAggregate] = []
        for word in words {
            guard let aggregate = Aggregate(word: word) else {
                throw .invalid(
                    "aggregate",
                    "count, sum, avg, min, max, last, rate, increase, or p0 to p100 (p99.9)")
            }
            named.append(MetricQuery.NamedAggregate(word: word, aggregate: aggregate))
        }
        return named
    }
}
