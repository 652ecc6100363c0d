import QuipuModel

/// Since when each tier has everything: retention has taken what is before. Each is the start of a
/// block.
struct TierFloors {
    private(set) var seconds: [MetricTier: Int64] = [:]

    init() {}

    init(_ connection: OpaquePointer) throws {
        let find = try RawStatement(connection, "SELECT tier, start FROM tier_floors")
        while try find.step() {
            if let tier = MetricTier(rawValue: find.int(0)) { seconds[tier] = find.int(1) }
        }
    }

    subscript(tier: MetricTier) -> Int64 {
        get { seconds[tier] ?? .min }
        set { seconds[tier] = newValue }
    }

    func keeps(_ bucket: Int64, in tier: MetricTier) -> Bool {
        bucket.aligned(to: tier.seconds) >= self[tier]
    }

    /// From when to when which tier is the narrowest that is left, over what `asked` touches: whole
    /// spans of that tier, also where one reaches beyond `asked`.
    func regions(over asked: Range<Int64>) -> [Region] {
        var regions: [Region] = []
        var upper = asked.upperBound
        for (place, tier) in MetricTier.allCases.enumerated() where asked.lowerBound < upper {
            // A wider span that begins before the floor is read whole.
            let width =
                MetricTier.allCases[(place + 1)...].first { self[$0] < self[tier] }?.seconds
            let floor = width.map { -((-self[tier]).aligned(to: $0)) } ?? self[tier]
            guard floor < upper else { continue }
            let low = max(floor, asked.lowerBound.aligned(to: tier.seconds))
            let high = regions.isEmpty ? -((-upper).aligned(to: tier.seconds)) : upper
            regions.append(Region(seconds: low..<high, narrowest: tier))
            upper = low
        }
        if asked.lowerBound < upper {
            regions.append(Region(seconds: asked.lowerBound..<upper, narrowest: nil))
        }
        return regions.reversed()
    }

    struct Region: Equatable {
        var seconds: Range<Int64>
        /// Nil: retention has taken everything.
        var narrowest: MetricTier?
    }

    /// A floor only rises.
    static func raise(
        _ tier: MetricTier, to start: Int64, _ connection: OpaquePointer
    ) throws {
        let raise = try RawStatement(
            connection,
            """
            INSERT INTO tier_floors (tier, start) VALUES (?1, ?2)
            ON CONFLICT DO UPDATE SET start = max(start, excluded.start)
            """)
        raise.bind(1, tier.seconds)
        raise.bind(2, start)
        try raise.run()
    }
}
