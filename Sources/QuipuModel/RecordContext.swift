/// Where a record belongs besides its session. Slices of the batch's `bytes`; `none` where the line
/// does not say, and then what its session is known by holds.
public struct RecordContext: Sendable {
    /// The working directory.
    public var project = Slice.none
    public var model = Slice.none
    /// The git branch.
    public var branch = Slice.none
    /// The subagent's id.
    public var agentID = Slice.none
    /// The session that started this one.
    public var parent = Slice.none
    public var user = Slice.none

    public init() {}
}

/// What a tool call did to a file.
public enum FileAccess: UInt8, Sendable, CaseIterable {
    case none = 0
    case read = 1
    case write = 2
    case edit = 3
}
