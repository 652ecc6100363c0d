/// What may be asked on `query.sock`. The raw value is the name on the wire.
public enum Method: String, Sendable, CaseIterable {
    case discover = "rpc.discover"
    case health
    case stats
    case ledger
    case eventsQuery = "events.query"
    case eventsSummary = "events.summary"
    case sessionsList = "sessions.list"
    case sessionsGet = "sessions.get"
    case toolsStats = "tools.stats"
    case errorsList = "errors.list"
    case filesList = "files.list"
    case metricsList = "metrics.list"
    case metricsQuery = "metrics.query"
    case tasksList = "tasks.list"
    case tasksGet = "tasks.get"
    case tasksActivity = "tasks.activity"
    case tasksPut = "tasks.put"
    case documentsList = "documents.list"
    case documentsGet = "documents.get"
    case documentsSearch = "documents.search"
    case documentsPut = "documents.put"
    case documentsDelete = "documents.delete"
    case overview
    case sql
    case costsSummary = "costs.summary"
    case costsBlocks = "costs.blocks"
    case costsReconcile = "costs.reconcile"
    case limitsList = "limits.list"
    case limitsSet = "limits.set"
    case limitsCheck = "limits.check"
    case pricesList = "prices.list"
    case pricesSet = "prices.set"
    case adminRetention = "admin.retention"
    case adminBackup = "admin.backup"
    case adminPersistence = "admin.persistence"
    case adminFlush = "admin.flush"
    case subscribe
    case unsubscribe

    /// Whether it is for the daemon's own user, root and a configured group alone.
    public var needsRights: Bool {
        switch self {
        case .limitsSet, .pricesSet, .tasksPut, .documentsPut, .documentsDelete: true
        default: rawValue.hasPrefix("admin.")
        }
    }
}

/// What an agent says on `ingest.sock`. The raw value is the name on the wire.
public enum IngestMethod: String, Sendable, CaseIterable {
    case open = "ingest.open"
    case batch = "ingest.batch"
    case skip = "ingest.skip"
}

/// What a subscription may carry. The raw value is the word on the wire.
public enum Topic: String, Sendable, CaseIterable {
    case events, metrics, insights, alerts, actions, stats
}
