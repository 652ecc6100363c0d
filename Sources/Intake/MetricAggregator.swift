internal import QuipuModel
internal import Sketches

/// Adds samples up to one rollup for each series and span of time.
struct MetricAggregator {
    /// What is known of a series within the batch.
    private struct State {
        /// The rollup that the last sample went to.
        var rollup: Int
        /// A gauge's value, once a sample has set it.
        var isKnown = false
        var value = 0.0
        /// The sum of a gauge's changes before that.
        var change = 0.0
    }

    private struct Span: Hashable {
        var series: Int
        var start: Int64
    }

    private var table: SeriesTable
    private var states: [State] = []
    private var rollups: [RollupDelta] = []
    /// Where rollups are that are not their series' latest.
    private var spans: [Span: Int] = [:]
    private var tagList: [Bytes] = []

    init(seed: UInt64) { table = SeriesTable(seed: seed) }

    /// Hands the rollups over and forgets everything.
    mutating func finish(into builder: inout BatchBuilder) {
        builder.batch.rollups = rollups
        rollups = []
        states.removeAll(keepingCapacity: true)
        spans.removeAll()
        table.reset()
    }

    // MARK: Series

    /// The series of a line, by its name and its tags as they stand there.
    @inline(__always)
    mutating func series(
        name: Bytes, type: MetricType, tags: Bytes, _ builder: inout BatchBuilder
    ) -> Result<Int, RejectedSeries> {
        let hash = table.hash(name: name, type: type, tags: tags)
        if let known = table.find(hash: hash, name: name, type: type, tags: tags) {
            return .success(known)
        }
        return makeSeries(hash, name, type, tags, &builder)
    }

    struct RejectedSeries: Error {
        let reason: RejectReason
    }

    private mutating func makeSeries(
        _ hash: UInt64, _ name: Bytes, _ type: MetricType, _ tags: Bytes,
        _ builder: inout BatchBuilder
    ) -> Result<Int, RejectedSeries> {
        if let reason = check(name: name, tags: tags) { return .failure(.init(reason: reason)) }
        let key = SeriesKey(
            name: SenderTelemetry.appendName(name, &builder), type: type,
            tags: appendTags(&builder))
        // The same tags in another order are the same series.
        let canonical = key.tags.isNone ? [] : Array(builder.batch.bytes[key.tags.range])
        let series = canonical.withUnsafeBytes { canonicalTags in
            let isCanonical = canonicalTags.equals(tags)
            let canonicalHash =
                isCanonical ? hash : table.hash(name: name, type: type, tags: canonicalTags)
            let known =
                isCanonical
                ? nil
                : table.find(hash: canonicalHash, name: name, type: type, tags: canonicalTags)
            if let known { return known }
            let new = builder.batch.series.count
            builder.batch.series.append(key)
            states.append(State(rollup: -1))
            table.insert(
                hash: canonicalHash, name: name, type: type, tags: canonicalTags, series: new)
            return new
        }
        if !canonical.withUnsafeBytes({ $0.equals(tags) }) {
            table.insert(hash: hash, name: name, type: type, tags: tags, series: series)
        }
        return .success(series)
    }

    /// Splits the tags into `tagList`, sorted and without repetition.
    private mutating func check(name: Bytes, tags: Bytes) -> RejectReason? {
        if name.contains(0) || tags.contains(0) { return .nulBytes }
        if !name.isValidUTF8 || !tags.isValidUTF8 { return .invalidUTF8 }
        tagList.removeAll(keepingCapacity: true)
        var start = 0
        while start < tags.count {
            let end = tags.find(0x2c, from: start)
            let tag = tags.part(start, end)
            if tag.count > Limits.nameBytesMax { return .nameTooLong }
            let at = tagList.firstIndex { !$0.precedes(tag) } ?? tagList.count
            if !tag.isEmpty, at == tagList.count || !tagList[at].equals(tag) {
                if tagList.count == Limits.tagsPerSeriesMax { return .tagsTooMany }
                tagList.insert(tag, at: at)
            }
            start = end + 1
        }
        return nil
    }

    private func appendTags(_ builder: inout BatchBuilder) -> Slice {
        guard !tagList.isEmpty else { return .none }
        let start = builder.batch.bytes.count
        for (index, tag) in tagList.enumerated() {
            if index > 0 { builder.write(0x2c) }
            builder.write(tag)
        }
        return Slice(offset: start, count: builder.batch.bytes.count - start)
    }

    // MARK: Samples

    /// Adds a sample of anything but a set. `hasOwnTime`: the line said when; then a gauge's sample
    /// tells nothing about its value now.
    @inline(__always)
    mutating func add(
        _ value: Double, weight: Double, to series: Int, type: MetricType, at time: Timestamp,
        hasOwnTime: Bool = false
    ) {
        let rollup = rollup(of: series, type, at: time)
        rollups[rollup].rollup.add(value, weight: weight, atMicroseconds: time.microseconds)
        if type == .gauge, !hasOwnTime {
            states[series].isKnown = true
            states[series].value = value
        }
    }

    /// Changes a gauge.
    mutating func change(by change: Double, series: Int, at time: Timestamp) {
        if states[series].isKnown {
            add(states[series].value + change, weight: 1, to: series, type: .gauge, at: time)
            return
        }
        states[series].change += change
        let index = rollup(of: series, .gauge, at: time)
        if rollups[index].relative == nil { rollups[index].relative = Rollup(sketch: DDSketch()) }
        rollups[index].relative?.add(
            states[series].change, weight: 1, atMicroseconds: time.microseconds)
    }

    mutating func addMember(_ member: Bytes, to series: Int, at time: Timestamp) {
        let index = rollup(of: series, .set, at: time)
        rollups[index].rollup.add(0, weight: 1, atMicroseconds: time.microseconds)
        rollups[index].members?.add(member)
    }

    /// Where a series' rollup of a span is.
    @inline(__always)
    private mutating func rollup(of series: Int, _ type: MetricType, at time: Timestamp) -> Int {
        let latest = states[series].rollup
        if latest >= 0 {
            let age = time.microseconds &- rollups[latest].bucketStart &* 1_000_000
            if age >= 0, age < Limits.rollupSeconds * 1_000_000 { return latest }
        }
        return makeRollup(series, type, time.bucket(seconds: Limits.rollupSeconds))
    }

    private mutating func makeRollup(_ series: Int, _ type: MetricType, _ start: Int64) -> Int {
        let latest = states[series].rollup
        if latest >= 0 {
            spans[Span(series: series, start: rollups[latest].bucketStart)] = latest
        }
        let index = spans[Span(series: series, start: start)] ?? rollups.count
        states[series].rollup = index
        if index == rollups.count {
            let hasSketch = type != .counter && type != .set
            rollups.append(
                RollupDelta(
                    series: series, bucketStart: start,
                    rollup: Rollup(sketch: hasSketch ? DDSketch() : nil),
                    members: type == .set ? DistinctCounter() : nil))
        }
        return index
    }
}

extension UnsafeRawBufferPointer {
    /// Bytewise order.
    func precedes(_ other: Bytes) -> Bool { lexicographicallyPrecedes(other) }
}
