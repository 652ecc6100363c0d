public import QuipuModel

extension RetentionReport {
    public var members: [JSON.Member] {
        [
            JSON.Member("payload_blocks", .int(Int64(payloadBlocks))),
            JSON.Member("events", .int(Int64(events))),
            JSON.Member("sessions", .int(Int64(sessions))),
            JSON.Member("event_rollups", .int(Int64(eventRollups))),
            JSON.Member("rollups_merged", .int(Int64(rollupsMerged))),
            JSON.Member("rollups", .int(Int64(rollups))),
            JSON.Member("series", .int(Int64(series))),
            JSON.Member("sources", .int(Int64(sources))),
            JSON.Member("usage_calls", .int(Int64(usageCalls))),
            JSON.Member("usage_rows", .int(Int64(usageRows))),
            JSON.Member("tasks", .int(Int64(tasks))),
            JSON.Member("documents", .int(Int64(documents))),
            JSON.Member("bytes_freed", .int(bytesFreed)),
        ]
    }
}
