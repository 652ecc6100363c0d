public import QuipuModel

extension DocumentSummary {
    public var json: JSON { .object(members) }

    var members: [JSON.Member] {
        [
            JSON.Member("id", .string(id)), JSON.Member("kind", .optional(kind)),
            JSON.Member("title", .optional(title)), JSON.Member("task", .optional(task)),
            JSON.Member("session", .optional(session)),
            JSON.Member("created", .string(created.rfc3339)),
            JSON.Member("updated", .string(updated.rfc3339)),
            JSON.Member("version", .int(version)), JSON.Member("size_bytes", .int(sizeBytes)),
        ]
    }
}

extension Document {
    public var json: JSON { .object(summary.members + [JSON.Member("body", .raw(body))]) }
}

extension DocumentHit {
    public var json: JSON {
        .object(
            summary.members + [
                JSON.Member("score", .number(Round.toThousandth(score))),
                JSON.Member("snippet", .string(snippet)),
            ])
    }
}
