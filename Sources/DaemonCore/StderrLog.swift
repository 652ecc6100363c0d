public import Logging
internal import Platform

/// Log lines on stderr: one line each, with the priority that journald understands when it reads
/// them.
public struct StderrLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel = Logger.Level.info
    private let isJournal: Bool

    /// - Parameter isJournal: Whether stderr goes to the journal (`JOURNAL_STREAM` is set).
    public init(isJournal: Bool) { self.isJournal = isJournal }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let members = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let prefix = isJournal ? "<\(Self.priority(event.level))>" : "quipud: \(event.level): "
        let text = StandardError.line("\(event.message)\(members)")
        StandardError.write("\(prefix)\(text)\n")
    }

    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
