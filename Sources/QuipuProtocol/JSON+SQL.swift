public import QuipuModel

extension SQLRows {
    /// `{"columns":["name"],"rows":[["Bash"]],"truncated":false}`
    public var json: JSON {
        [
            "columns": .array(columns.map(JSON.string)),
            "rows": .array(rows.map { .array($0.map(\.json)) }),
            "truncated": .bool(isTruncated),
        ]
    }
}
