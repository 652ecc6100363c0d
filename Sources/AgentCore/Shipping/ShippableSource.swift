import Platform
import QuipuModel

/// Bytes with offsets that the link can read again at any time: a log file or a segment of the
/// spool.
protocol ShippableSource: AnyObject {
    var identity: SourceIdentity { get }
    /// Looks at its beginning, which may say of which kind it is.
    func settleKind() throws(ReadFailure)
    /// How large it is now.
    func size() throws(ReadFailure) -> UInt64
    /// Another number whenever it may have changed.
    func changeStamp() throws(ReadFailure) -> Int64
    /// Reads from `offset` on: plain bytes of a file, whole frames of a spool segment.
    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ReadFailure) -> Int
}

extension ShippableSource {
    func settleKind() throws(ReadFailure) {}
    func changeStamp() throws(ReadFailure) -> Int64 { 0 }
}

/// Why a source cannot be read now.
enum ReadFailure: Error, Equatable, CustomStringConvertible {
    case system(SystemError)
    case spool(SpoolError)

    var description: String {
        switch self {
        case .system(let error): error.description
        case .spool(.system(let error)): error.description
        case .spool(.cut): "it is shorter than what was written to it"
        case .spool(let error): "the spool cannot be read: \(error)"
        }
    }
}
