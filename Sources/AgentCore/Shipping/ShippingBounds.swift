import QuipuModel

/// How much is read, sent and unanswered at once. A simulation takes smaller ones, so that short
/// files go every way that long ones do.
package struct ShippingBounds: Sendable, Equatable {
    package var batchBytes = Limits.batchBytes
    package var lineBytesMax = Limits.lineBytesMax
    /// Up to here an unfinished line is read again from its start when it grew; a longer one is
    /// scanned on.
    package var rereadBytesMax = AgentLimits.rereadBytesMax
    /// Of all sources. Files together may have half, so that datagrams always find room behind
    /// them.
    package var inFlightBytesMax = Limits.inFlightBytesMax
    package var inFlightBatchesMax = Limits.inFlightBatchesMax

    package init() {}
}
