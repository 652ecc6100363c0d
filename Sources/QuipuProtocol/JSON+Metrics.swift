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
    /// `{"type":…,"tags":{…},"points":{"avg":[[unix_seconds,value],…],…}}`; the `metric` of several
    /// first.
    public var json: JSON {
        let tagMembers = tags.map { JSON.Member($0.key, .optional($0.value)) }
        let pointMembers = points.map { points in
            JSON.Member(
                points.word, .array(points.values.map { [.int($0.time), .number($0.value)] }))
        }
        var members: [JSON.Member] = []
        if let name { members.append(JSON.Member("metric", .string(name))) }
        if let type { members.append(JSON.Member("type", .string(type.word))) }
        members += [
            JSON.Member("tags", .object(tagMembers)), JSON.Member("points", .object(pointMembers)),
        ]
        return .object(members)
    }
}

extension MetricAnswer.Stretch {
    public var json: JSON {
        ["since": .string(Timestamp.seconds(since).rfc3339), "step_s": .int(stepSeconds)]
    }
}

extension MetricQuery {
    /// The reply of `metrics.query`: what was asked, as it was understood, and the series.
    public func reply(_ answer: MetricAnswer) -> JSON {
        var members: [JSON.Member] = []
        if let singleMetric {
            members.append(JSON.Member("metric", .string(singleMetric)))
        } else {
            let named = metrics.map { JSON.Member($0.name, .string($0.metric)) }
            members.append(JSON.Member("metrics", .object(named)))
        }
        if let formula { members.append(JSON.Member("formula", .string(formula.text))) }
        let tiers = MetricTier.allCases.filter { tier in
            answer.series.contains { $0.tiers.contains(tier) }
        }
        let steps = answer.stretches.map(\.stepSeconds)
        members += [
            JSON.Member("since", .string(range.since.rfc3339)),
            JSON.Member("until", .string(range.until.rfc3339)),
            JSON.Member("step_s", .int(steps.min() ?? stepSeconds)),
        ]
        if Set(steps).count > 1 {
            members.append(JSON.Member("steps", .array(answer.stretches.map(\.json))))
        }
        members += [
            JSON.Member("tiers", .array(tiers.map { .string($0.word) })),
            JSON.Member("series", .array(answer.series.map(\.json))),
        ]
        return .object(members)
    }
}
