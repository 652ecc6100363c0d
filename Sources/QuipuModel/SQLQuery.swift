/// `sql`: one SELECT over the documented views.
public struct SQLQuery: Sendable, Equatable {
    public var text: String
    public var rowsMax: Int

    public init(text: String, rowsMax: Int) {
        self.text = text
        self.rowsMax = rowsMax
    }
}

/// What a SELECT gave.
public struct SQLRows: Sendable, Equatable {
    public var columns: [String]
    public var rows: [[Scalar]]
    /// There were more rows, or more bytes, than a reply holds.
    public var isTruncated: Bool

    public init(columns: [String], rows: [[Scalar]], isTruncated: Bool) {
        self.columns = columns
        self.rows = rows
        self.isTruncated = isTruncated
    }
}
