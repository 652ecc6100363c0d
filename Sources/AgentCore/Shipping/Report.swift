/// How libraries tell the program what a person should know; the program decides where it goes.
public enum ReportLevel: Sendable {
    case info
    case warning
}

public typealias Report = (ReportLevel, String) -> Void
