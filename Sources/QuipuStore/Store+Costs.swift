public import QuipuModel

/// What the daemon asks of a database about model calls and money.
public protocol CostStore: AnyObject, Sendable {
    func costs(_ query: CostQuery) async throws(StoreError) -> CostSummary
    func blocks(_ query: BlockQuery) async throws(StoreError) -> [CostBlock]
    func reconcile(_ query: ReconcileQuery) async throws(StoreError) -> Reconciliation
    func prices(_ page: PageRequest) async throws(StoreError) -> PriceList

    /// Takes up a price. Calls of its time that had none get it; with `recompute`, all calls of the
    /// models and the time that it holds for.
    func set(_ price: Price, recompute: Bool) async throws(StoreError) -> PriceChange
    /// Makes these the prices of the configured file.
    func adopt(filePrices: [Price]) async throws(StoreError)

    func limits() async throws(StoreError) -> [SpendLimit]
    func set(_ limit: SpendLimit) async throws(StoreError)
    /// False where there is none.
    func removeLimit(
        _ scope: SpendLimit.Scope, _ period: SpendLimit.Period
    ) async throws(StoreError) -> Bool
    /// What was spent in the range.
    func spent(
        by scope: SpendLimit.Scope, in range: TimeRange
    ) async throws(StoreError) -> Double
    /// What each session has spent, the newest `Limits.spendSessionsMax` sessions.
    func spentBySession(
        in scope: SpendLimit.Scope
    ) async throws(StoreError) -> [String: Double]
}
