public import QuipuModel

extension Series {
    public var json: JSON {
        [
            "name": .string(name), "type": .string(type.word), "tags": Tag.json(tags),
            "first": .string(first.rfc3339), "last": .string(last.rfc3339),
            "samples": .number(samples),
        ]
    }
}

extension Tag {
    /// `{"provider":"aws"}`; the value of a bare tag is the empty string; the values of a key that
    /// comes more than once are a list.
    public static func json(_ tags: [Tag]) -> JSON {
        var members: [JSON.Member] = []
        for tag in tags {
            guard let index = members.firstIndex(where: { $0.name == tag.key }) else {
                members.append(JSON.Member(tag.key, .string(tag.value)))
                continue
            }
            let before = members[index].value
            members[index].value = .array((before.array ?? [before]) + [.string(tag.value)])
        }
        return .object(members)
    }
}

extension MetricSeries {
    /// `{"tags":{…},"points":{"avg":[[unix_seconds,value],…],…}}`
    public var json: JSON {
        let tagMembers = tags.map { JSON.Member($0.key, .optional($0.value)) }
        let pointMembers = points.map { points in
            JSON.Member(
                points.word, .array(points.values.map { [.int($0.time), .number($0.value)] }))
        }
        return ["tags": .object(tagMembers), "points": .object(pointMembers)]
    }
}

extension MetricQuery {
    /// The reply of `metrics.query`: what was asked, as it was understood, and the series.
    public func reply(_ series: [MetricSeries]) -> JSON {
        [
            "metric": .string(metric), "since": .string(range.since.rfc3339),
            "until": .string(range.until.rfc3339), "step_s": .int(stepSeconds),
            "tiers": .array(
                MetricTier.allCases.filter { tier in series.contains { $0.tiers.contains(tier) } }
                    .map { .string($0.word) }),
            "series": .array(series.map(\.json)),
        ]
    }
}
