/// A way in which one part of a schedule's world breaks its promise. Each must be found.
public enum Lie: String, Sendable, CaseIterable {
    case none
    /// A crash within a commit leaves the positions and not the rows.
    case positionBeforeRows
    /// A crash within a commit leaves the rows and not the positions.
    case rowsBeforePosition
    /// A batch is acknowledged when it is queued.
    case answersBeforeCommit
    /// A batch that was sent before is stored again.
    case neverRefuses
    /// Sources are opened without the hash of their first bytes.
    case headForgotten
    /// What memory holds is acknowledged as if it were on the disk.
    case memoryIsDurable
    /// What a file held when it was cut is forgotten.
    case lossUntold
}
