internal import CSimdJSON
internal import QuipuModel

extension LineDecoder {
    /// `{"metric":…,"type":…,"value":…}`: takes the samples up. Otherwise takes none and says why.
    mutating func takeNativeMetric(_ origin: Origin) -> RejectReason? {
        guard let name = document.text(.metric) else { return .nameMissing }
        if name.count > Limits.nameBytesMax { return .nameTooLong }
        guard let word = document.text(.type), let type = LineDecoder.metricType(word) else {
            return .typeUnknown
        }
        var time = origin.arrival
        if let member = document[.time] {
            guard let own = member.time(in: zone) else { return .timeInvalid }
            time = own
        }
        guard let weight = nativeWeight(type) else { return .rateInvalid }
        if let reason = writeNativeTags() { return reason }
        let (one, several) = (document.index(.value), document.index(.values))
        guard let index = one ?? several else { return .valueMissing }
        // Whether both are meant, or one in place of the other, nobody can tell.
        if one != nil, several != nil { return .valueInvalid }
        let member = document.members[index]
        let values: UnsafeBufferPointer<Member>
        if member.isArray {
            guard let elements = document.children(of: index) else { return .valueInvalid }
            values = elements
        } else {
            values = UnsafeBufferPointer(rebasing: document.members[index...index])
        }
        if values.isEmpty { return .valueMissing }
        guard values.allSatisfy({ LineDecoder.isValid($0, type, weight: weight) }) else {
            return .valueInvalid
        }
        return add(values, name, type, weight: weight, at: time)
    }

    private mutating func add(
        _ values: UnsafeBufferPointer<Member>, _ name: Bytes, _ type: MetricType, weight: Double,
        at time: Timestamp
    ) -> RejectReason? {
        let found = tagText.withUnsafeBytes {
            metrics.series(name: name, type: type, tags: $0, &builder)
        }
        let series: Int
        switch found {
        case .success(let known): series = known
        case .failure(let rejected): return rejected.reason
        }
        let hasOwnTime = document.index(.time) != nil
        for value in values {
            if type == .set {
                let member = value.stringText ?? document.valueText(value)
                metrics.addMember(member, to: series, at: time)
            } else {
                metrics.add(
                    value.number, weight: weight, to: series, type: type, at: time,
                    hasOwnTime: hasOwnTime)
            }
        }
        return nil
    }

    private static func isValid(_ value: Member, _ type: MetricType, weight: Double) -> Bool {
        if type == .set { return value.stringText?.isEmpty == false || value.numberValue != nil }
        guard let number = value.numberValue else { return false }
        return abs(number) * weight <= Limits.metricValueMax
    }

    private static let typeWords: [(StaticString, MetricType)] = [
        ("counter", .counter), ("gauge", .gauge), ("timer", .timer), ("histogram", .histogram),
        ("distribution", .distribution), ("set", .set),
    ]

    private static func metricType(_ word: Bytes) -> MetricType? {
        typeWords.first { word.equals($0.0) }?.1
    }

    /// 1 / sample rate; 1 where a rate means nothing. Nil when the rate is none.
    private func nativeWeight(_ type: MetricType) -> Double? {
        guard let member = document[.rate] else { return 1 }
        guard let rate = member.numberValue, rate.isFinite, rate >= 1e-15 else { return nil }
        return type == .gauge || type == .set ? 1 : 1 / rate
    }

    /// Writes the tags as StatsD would: `{"a":"b","c":null}` as `a:b,c`.
    private mutating func writeNativeTags() -> RejectReason? {
        tagText.removeAll(keepingCapacity: true)
        guard let index = document.index(.tags) else { return nil }
        let tags = document.members[index]
        if let text = tags.stringText {
            tagText.append(contentsOf: text)
            return nil
        }
        guard tags.isObject || tags.isArray, let children = document.children(of: index) else {
            return .valueInvalid
        }
        for child in children {
            if child.isObject || child.isArray { return .valueInvalid }
            if !tagText.isEmpty { tagText.append(0x2c) }
            append(tag: child.nameBytes)
            let isBare = child.valueKind == QUIPU_JSON_NULL
            if isBare { continue }
            if tags.isObject { tagText.append(0x3a) }
            append(tag: child.stringText ?? document.valueText(child))
        }
        return nil
    }

    /// Commas separate tags, so within one they become underscores.
    private mutating func append(tag text: Bytes) {
        for byte in text { tagText.append(byte == 0x2c ? 0x5f : byte) }
    }
}
