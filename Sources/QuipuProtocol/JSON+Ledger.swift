public import QuipuModel

extension Tally {
    var members: [JSON.Member] {
        func count(_ value: UInt64) -> JSON { .int(Int64(clamping: value)) }
        let rejectedByReason = rejected.filter { $0.value > 0 }
            .sorted { $0.key.rawValue < $1.key.rawValue }
            .map { JSON.Member($0.key.rawValue, count($0.value)) }
        let lostByCause = lost.filter { $0.value > 0 }
            .sorted { $0.key < $1.key }
            .map { JSON.Member($0.key, count($0.value)) }
        return [
            JSON.Member("received", count(received)), JSON.Member("stored", count(stored)),
            JSON.Member("merged", count(merged)), JSON.Member("blank", count(blank)),
            JSON.Member("rejected", .object(rejectedByReason)),
            JSON.Member("lost", .object(lostByCause)),
        ]
    }
}

extension SourceAccount {
    public var json: JSON {
        .object(
            [
                JSON.Member("source_id", .int(id)),
                JSON.Member("host", .string(identity.host)),
                JSON.Member("kind", .string(identity.kind.rawValue)),
                JSON.Member("key", .string(identity.key)),
                JSON.Member("path", .string(identity.path)),
                JSON.Member("incarnation", .int(Int64(incarnation))),
                JSON.Member("opened", .string(opened.rfc3339)),
                JSON.Member("finished", .bool(finished)),
                JSON.Member("position", .int(Int64(clamping: position))),
                JSON.Member("size_bytes", .int(Int64(clamping: size))),
                JSON.Member("lag_bytes", .int(Int64(clamping: lagBytes))),
                JSON.Member("balanced", .bool(tally.isBalanced)),
            ] + tally.members + [JSON.Member("lost_bytes", .int(Int64(clamping: lostBytes)))])
    }
}

extension KeptReject {
    /// `head` is text: what is no UTF-8 shows as U+FFFD.
    public var json: JSON {
        [
            "path": .string(path), "offset": .int(Int64(clamping: offset)),
            "reason": .string(reason.rawValue), "time": .string(time.rfc3339),
            "head": .string(String(decoding: head, as: UTF8.self)),
        ]
    }
}

extension Ledger {
    public var json: JSON {
        let sum = total.members + [JSON.Member("lost_bytes", .int(Int64(clamping: totalLostBytes)))]
        return .object(
            [
                JSON.Member("balanced", .bool(balanced)), JSON.Member("total", .object(sum)),
                JSON.Member("sources", .array(sources.rows.map(\.json))),
                JSON.Member("rejects", .array(rejects.map(\.json))),
            ] + sources.cursorMember)
    }
}
