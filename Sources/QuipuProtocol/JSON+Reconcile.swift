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
            "\(Plural.of(ours.requests, "call")) from "
                + "\(Plural.of(self[.naiveSum].requests, "row")): ours counts each call once, by "
                + "the last row that told of it after its end."
        ]
        func add(_ count: Int, _ text: String) { if count > 0 { lines.append(text) } }
        add(
            repeatedRows,
            "\(Plural.of(repeatedCalls, "call", "is", "are")) told of by more than one row, "
                + "\(Plural.of(repeatedRows, "row")) too many: the naive sum is "
                + "\(difference(.naiveSum)).")
        add(
            changedCalls,
            "The rows of \(Plural.of(changedCalls, "call")) differ, since figures are written "
                + "while a call runs: the first row is \(difference(.firstRow)), the largest row "
                + "is \(difference(.largestRow)), the last row is \(difference(.lastRow)).")
        add(
            copiedRows,
            "\(Plural.of(copiedRows, "row", "stands", "stand")) in other files, forks and resumed "
                + "copies, and \(Plural.word(copiedRows, "counts", "count")) for nothing.")
        let repeating = Plural.word(sidechainRows, "repeats", "repeat")
        add(
            sidechainRows,
            "\(Plural.of(sidechainRows, "row")) of side conversations \(repeating) the main one's "
                + "calls.")
        let telling = Plural.word(replayedRows, "tells", "tell")
        add(
            replayedRows,
            "\(Plural.of(replayedRows, "row", "repeats", "repeat")) another session's history or "
                + "\(telling) nothing new.")
        add(
            syntheticRows,
            "\(Plural.of(syntheticRows, "row")) the client wrote itself (<synthetic>): no calls.")
        add(
            unpricedRequests,
            "\(Plural.of(unpricedRequests, "call", "has", "have")) a model without a known price "
                + "and \(Plural.word(unpricedRequests, "is", "are")) in no cost; prices.list names "
                + "\(Plural.word(unpricedRequests, "it", "them")).")
        let costing = Plural.word(
            statedRequests, "says itself what it cost", "say themselves what they cost")
        add(
            statedRequests,
            "\(Plural.of(statedRequests, "call")) \(costing): together that is "
                + "\(difference(.stated)).")
        add(
            callsWithoutRows,
            "Of \(Plural.of(callsWithoutRows, "call")) the rows are gone for their age: they count "
                + "the same under each rule.")
        return lines
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
