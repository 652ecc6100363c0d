public import QuipuModel

extension Reconciliation {
    public var json: JSON {
        let ours = self[.ours]
        return [
            "rules": .array(totals.map { $0.json(against: ours) }),
            "explanations": .array(explanations.map(JSON.string)),
            "calls": .array(calls.map(\.json)),
        ]
    }

    /// Why the rules differ, in sentences with numbers.
    public var explanations: [String] {
        let ours = self[.ours]
        var lines = [
            "\(counted(ours.requests, "call")) from "
                + "\(counted(self[.naiveSum].requests, "row")): ours counts each call once, by the "
                + "last row that told of it after its end."
        ]
        func add(_ count: Int, _ text: String) { if count > 0 { lines.append(text) } }
        add(
            repeatedRows,
            "\(counted(repeatedCalls, "call")) \(repeatedCalls == 1 ? "is" : "are") told of by more "
                + "than one row, \(counted(repeatedRows, "row")) too many: the naive sum is "
                + "\(difference(.naiveSum)).")
        add(
            changedCalls,
            "The rows of \(counted(changedCalls, "call")) differ, since figures are written while a "
                + "call runs: the first row is \(difference(.firstRow)), the largest row is "
                + "\(difference(.largestRow)), the last row is \(difference(.lastRow)).")
        add(
            copiedRows,
            "\(counted(copiedRows, "row")) stand in other files, forks and resumed copies, and count "
                + "for nothing.")
        add(
            sidechainRows,
            "\(counted(sidechainRows, "row")) of side conversations repeat the main one's calls.")
        add(
            replayedRows,
            "\(counted(replayedRows, "row")) repeat another session's history or tell nothing new.")
        add(
            syntheticRows,
            "\(counted(syntheticRows, "row")) the client wrote itself (<synthetic>): no calls.")
        add(
            unpricedRequests,
            "\(counted(unpricedRequests, "call")) have a model without a known price and are in no "
                + "cost; prices.list names them.")
        add(
            statedRequests,
            "\(counted(statedRequests, "call")) say themselves what they cost: together they are "
                + "\(difference(.stated)).")
        add(
            callsWithoutRows,
            "Of \(counted(callsWithoutRows, "call")) the rows are gone for their age: they count the "
                + "same under each rule.")
        return lines
    }

    private func counted(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    /// `$1.20 (12 %) above ours`
    private func difference(_ rule: CountingRule) -> String {
        let (ours, other) = (self[.ours], self[rule])
        let usd = other.costUSD - ours.costUSD
        let tokens = other.tokens.total - ours.tokens.total
        var text = usd == 0 ? "no other cost" : Self.relation(usd, of: ours.costUSD)
        if rule != .stated, tokens != 0 {
            text += " and \(abs(tokens)) tokens \(tokens > 0 ? "above" : "below")"
        }
        return text
    }

    private static func relation(_ usd: Double, of ours: Double) -> String {
        let cents = Round.toHundredth(abs(usd))
        let amount = cents == 0 ? "less than a cent" : "$\(cents)"
        let percent = ours > 0 ? " (\(Round.toHundredth(100 * abs(usd) / ours)) %)" : ""
        return "\(amount)\(percent) \(usd > 0 ? "above" : "below") ours"
    }
}

extension Reconciliation.Total {
    func json(against ours: Reconciliation.Total) -> JSON {
        [
            "rule": .string(rule.rawValue), "requests": .int(Int64(requests)),
            "tokens": tokens.json, "cost_usd": .usd(costUSD),
            "difference_usd": .usd(costUSD - ours.costUSD),
            "difference_tokens": .int(tokens.total - ours.tokens.total),
        ]
    }
}

extension Reconciliation.Call {
    var json: JSON {
        [
            "time": .string(time.rfc3339), "session": .optional(session),
            "model": .optional(model), "message_id": .optional(messageID),
            "request_id": .optional(requestID), "tokens": tokens.json, "cost_usd": .usd(costUSD),
            "excess_usd": .usd(excessUSD), "excess_tokens": .int(excessTokens),
            "rows": .array(rows.map(\.json)),
        ]
    }
}

extension Reconciliation.Row {
    var json: JSON {
        [
            "source": ["path": .string(path), "offset": .int(offset)],
            "time": .string(time.rfc3339), "tokens": tokens.json, "final": .bool(isFinal),
            "sidechain": .bool(isSidechain), "counted": .bool(isCounted),
        ]
    }
}
