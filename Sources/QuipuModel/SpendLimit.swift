/// How much may be spent, by whom, in which time.
public struct SpendLimit: Sendable, Equatable {
    public enum ScopeKind: String, Sendable, CaseIterable {
        case all, user, project, session
    }

    public struct Scope: Sendable, Hashable {
        public var kind: ScopeKind
        /// Empty for `all`.
        public var name: String

        public init(_ kind: ScopeKind, _ name: String = "") {
            self.kind = kind
            self.name = name
        }
    }

    public enum Period: String, Sendable, CaseIterable {
        case day, week, month
        /// Each session for itself.
        case session

        public var span: GroupKey.Span? {
            switch self {
            case .day: .day
            case .week: .week
            case .month: .month
            case .session: nil
            }
        }
    }

    public var scope: Scope
    public var period: Period
    public var limitUSD: Double
    /// Whose midnights begin a period; an IANA name. Nil: UTC.
    public var timeZone: String?

    public init(scope: Scope, period: Period, limitUSD: Double, timeZone: String? = nil) {
        self.scope = scope
        self.period = period
        self.limitUSD = limitUSD
        self.timeZone = timeZone
    }
}

/// What a commit changed about the money spent, in a quarter of an hour.
public struct SpendChange: Sendable, Equatable {
    /// The start of the quarter: no time zone's day begins within it.
    public var time: Timestamp
    public var session: String?
    public var project: String?
    public var user: String?
    /// Negative where a later row corrected an earlier one.
    public var usd: Double

    public init(time: Timestamp, session: String?, project: String?, user: String?, usd: Double) {
        self.time = time
        self.session = session
        self.project = project
        self.user = user
        self.usd = usd
    }

    public static let seconds: Int64 = 900

    public func belongs(to scope: SpendLimit.Scope) -> Bool {
        switch scope.kind {
        case .all: true
        case .user: user == scope.name
        case .project: project == scope.name
        case .session: session == scope.name
        }
    }
}
