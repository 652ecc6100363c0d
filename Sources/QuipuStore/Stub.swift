public import QuipuModel

public struct SQLiteStore: Store {
    public init(path: String?) async throws(StoreError) {}
    public func open(
        _ identity: SourceIdentity, size: UInt64, restart: SourceRestart?, at now: Timestamp
    ) async throws(StoreError) -> SourceState { throw .closed }
    public func commit(_ batches: [PendingBatch], at now: Timestamp) async throws(StoreError)
        -> CommitReceipt
    { throw .closed }
    public func events(_ query: EventQuery) async throws(StoreError) -> Page<Event> {
        throw .closed
    }
    public func events(seqs: [Int64], filters: [Filter]) async throws(StoreError) -> [Event] {
        throw .closed
    }
    public func summary(_ query: SummaryQuery) async throws(StoreError) -> Page<EventGroup> {
        throw .closed
    }
    public func sessions(_ query: SessionQuery) async throws(StoreError) -> Page<SessionSummary> {
        throw .closed
    }
    public func session(_ name: String) async throws(StoreError) -> SessionSummary? {
        throw .closed
    }
    public func tools(_ query: ToolQuery) async throws(StoreError) -> Page<ToolStatistics> {
        throw .closed
    }
    public func series(_ query: SeriesQuery) async throws(StoreError) -> Page<Series> {
        throw .closed
    }
    public func metric(_ query: MetricQuery) async throws(StoreError) -> [MetricSeries] {
        throw .closed
    }
    public func ledger(_ page: PageRequest) async throws(StoreError) -> Ledger { throw .closed }
    public func probe() async throws(StoreError) { throw .closed }
    public func status() async throws(StoreError) -> StoreStatus { throw .closed }
    public func close() async {}
}
