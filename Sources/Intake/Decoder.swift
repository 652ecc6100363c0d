public import QuipuModel

/// Turns the bytes of batches into records. Reusable; holds the parser and its memory, so keep one
/// for each connection or worker. Not safe to share between threads.
///
/// No input makes it fail: what cannot be read is counted and kept as a rejected line, and its
/// neighbours are unharmed. In each batch `received` = metric lines stored + blank + rejected +
/// lost + events.
public final class Decoder {
    private var lines: LineDecoder

    /// - Parameters:
    ///   - hashSeed: Keeps senders from choosing names that collide; it changes no result.
    ///   - options: What a user decided.
    public init(
        hashSeed: UInt64 = .random(in: .min ... .max), options: DecoderOptions = DecoderOptions()
    ) {
        lines = LineDecoder(hashSeed: hashSeed, options: options)
    }

    /// Decodes one batch.
    ///
    /// - Parameters:
    ///   - bytes: Whole lines, or whole frames of a spool segment. Bytes after the last newline of
    ///     a file
    ///     are left alone unless `finished`.
    ///   - offset: Where the first byte stands in its source.
    ///   - arrival: The time of lines that have none. Datagrams carry their own.
    ///   - finished: Nothing will follow, so a last line may lack its newline.
    public func decode(
        _ bytes: UnsafeRawBufferPointer, at offset: UInt64, context: SourceContext,
        arrival: Timestamp, finished: Bool
    ) -> DecodedBatch {
        switch context.kind {
        case .file:
            lines.decodeFile(
                bytes, at: offset, Origin(context: context, arrival: arrival), finished: finished)
        case .datagrams:
            lines.decodeFrames(bytes, at: offset, Origin(context: context, arrival: arrival))
        }
        return lines.finish()
    }
}
