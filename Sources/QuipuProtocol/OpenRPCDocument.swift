/// What `rpc.discover` answers. Written by protocol/build.py from protocol/schemas.
public enum OpenRPCDocument {
    /// JSON, as one line.
    public static let text = #"""
        {"openrpc":"1.3.2","info":{"title":"Quipu query.sock","version":"0.1.0",\#
        "description":"JSON-RPC 2.0, one object a line. protocol/README.md says the rest.",\#
        "license":{"name":"Apache-2.0"}},"methods":[{"name":"rpc.discover",\#
        "summary":"This document, as OpenRPC.","paramStructure":"by-name","params":[],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"openrpc":{"type":"string"},"info":{"type":"object"},\#
        "methods":{"type":"array","items":{"type":"object"}},"components":{"type":"object"}},\#
        "required":["openrpc","info","methods","components"]}}},{"name":"health",\#
        "summary":"Whether the daemon is well, and where its database is.",\#
        "paramStructure":"by-name","params":[],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"status":{"enum":["ok","degraded"]},\#
        "mode":{"enum":["persistent","memory","degraded"]},"problems":{"type":"array",\#
        "description":"What is wrong, for a person.","items":{"type":"string"}},\#
        "version":{"type":"string"},"schema_version":{"type":"integer","minimum":0},\#
        "uptime_s":{"type":"integer","minimum":0},"database":{"type":"object",\#
        "properties":{"path":{"type":["string","null"],"description":"Null in memory."},\#
        "size_bytes":{"type":"integer","minimum":0},"wal_bytes":{"type":"integer","minimum":0}},\#
        "required":["path","size_bytes","wal_bytes"]},"agents":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/agent"}},\#
        "last_commit":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]},\#
        "watchdog":{"type":"object","properties":{"enabled":{"type":"boolean"},\#
        "interval_ms":{"type":["integer","null"],"minimum":0},\#
        "last_probe":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}],\#
        "description":"When a probe last went through the ingest queue and the store."}},\#
        "required":["enabled","interval_ms","last_probe"]}},"required":["status","mode",\#
        "problems","version","schema_version","uptime_s","database","agents","last_commit",\#
        "watchdog"]}}},{"name":"stats",\#
        "summary":"The daemon's own figures: counts since its start, rates over the last 10 s.",\#
        "paramStructure":"by-name","params":[],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"uptime_s":{"type":"integer","minimum":0},\#
        "rss_bytes":{"type":["integer","null"],"minimum":0},"ingest":{"type":"object",\#
        "properties":{"connections":{"type":"integer","minimum":0},"batches":{"type":"integer",\#
        "minimum":0},"batches_refused":{"type":"integer","minimum":0},"bytes":{"type":"integer",\#
        "minimum":0},"lines":{"type":"integer","minimum":0},"lines_rejected":{"type":"integer",\#
        "minimum":0},"secrets_redacted":{"type":"integer","minimum":0,\#
        "description":"Taken out of names, attributes,\#
         payloads and errors before anything was stored."},"bytes_per_s":{"type":"number"},\#
        "lines_per_s":{"type":"number"},"queue_bytes":{"type":"integer","minimum":0},\#
        "queue_batches":{"type":"integer","minimum":0}},"required":["connections","batches",\#
        "batches_refused","bytes","lines","lines_rejected","secrets_redacted","bytes_per_s",\#
        "lines_per_s","queue_bytes","queue_batches"]},"commits":{"type":"object",\#
        "properties":{"count":{"type":"integer","minimum":0},\#
        "latency_ms":{"$ref":"#/components/schemas/quantiles_ms"},"failed":{"type":"integer",\#
        "minimum":0}},"required":["count","latency_ms","failed"]},"queries":{"type":"object",\#
        "properties":{"connections":{"type":"integer","minimum":0},\#
        "connections_refused":{"type":"integer","minimum":0},"requests":{"type":"integer",\#
        "minimum":0},"errors":{"type":"integer","minimum":0},"requests_per_s":{"type":"number"},\#
        "running":{"type":"integer","minimum":0},\#
        "latency_ms":{"$ref":"#/components/schemas/quantiles_ms"}},"required":["connections",\#
        "connections_refused","requests","errors","requests_per_s","running","latency_ms"]},\#
        "subscriptions":{"type":"object","properties":{"open":{"type":"integer","minimum":0},\#
        "notifications":{"type":"integer","minimum":0},"missed":{"type":"integer","minimum":0},\#
        "cut":{"type":"integer","minimum":0}},"required":["open","notifications","missed","cut"]},\#
        "stored":{"type":"object","properties":{"events":{"type":"integer","minimum":0},\#
        "series":{"type":"integer","minimum":0},"series_overflow":{"type":"integer","minimum":0}},\#
        "required":["events","series","series_overflow"]},"senders":{"type":"object",\#
        "description":"What clients counted about themselves and sent along (`datadog.dogstatsd.cl\#
        ient.*`, `quipu.senders.*`): their side of the account.",\#
        "properties":{"metrics":{"type":"integer"},"events":{"type":"integer"},\#
        "service_checks":{"type":"integer"},"packets_sent":{"type":"integer"},\#
        "packets_dropped":{"type":"integer","description":"Refused by a full queue,\#
         or sent while nobody listened."},"bytes_sent":{"type":"integer"},\#
        "bytes_dropped":{"type":"integer"},"lines_dropped":{"type":"integer",\#
        "description":"Dropped by a QuipuClient because its buffer was full."}},\#
        "required":["metrics","events","service_checks","packets_sent","packets_dropped",\#
        "bytes_sent","bytes_dropped","lines_dropped"]},"retention":{"type":"object",\#
        "description":"What retention took away since the start.",\#
        "properties":{"last_run":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]},\#
        "payload_blocks":{"type":"integer","minimum":0,\#
        "description":"Blocks of about 64 KiB of tools' inputs and outputs."},\#
        "events":{"type":"integer","minimum":0},"sessions":{"type":"integer","minimum":0},\#
        "event_rollups":{"type":"integer","minimum":0},"rollups_merged":{"type":"integer",\#
        "minimum":0,"description":"Rollups of metrics that went over into a wider span."},\#
        "rollups":{"type":"integer","minimum":0,"description":"Rollups that were dropped."},\#
        "series":{"type":"integer","minimum":0},"sources":{"type":"integer","minimum":0},\#
        "usage_calls":{"type":"integer","minimum":0},"usage_rows":{"type":"integer","minimum":0},\#
        "tasks":{"type":"integer","minimum":0},"documents":{"type":"integer","minimum":0},\#
        "bytes_freed":{"type":"integer","minimum":0,\#
        "description":"Given back to the file system."}},"required":["last_run","payload_blocks",\#
        "events","sessions","event_rollups","rollups_merged","rollups","series","sources",\#
        "usage_calls","usage_rows","tasks","documents","bytes_freed"]},\#
        "limits_hit":{"$ref":"#/components/schemas/counts_by_name",\#
        "description":"How often each bound was hit, by its name."}},"required":["uptime_s",\#
        "rss_bytes","ingest","commits","queries","subscriptions","stored","senders","retention",\#
        "limits_hit"]}}},{"name":"ledger","summary":"What became of every line,\#
         per source and in sum.","paramStructure":"by-name","params":[{"name":"limit",\#
        "required":false,"schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor",\#
        "required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"balanced":{"type":"boolean",\#
        "description":"Every source's account closes."},\#
        "total":{"$ref":"#/components/schemas/tally"},"sources":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/source_account"}},"rejects":{"type":"array",\#
        "description":"Rejected lines, as kept.","items":{"$ref":"#/components/schemas/reject"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["balanced","total",\#
        "sources","rejects"]}}},{"name":"events.query","summary":"Events, newest first.",\#
        "paramStructure":"by-name","params":[{"name":"kind","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.kind."}},\#
        {"name":"name","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.name."}},{"name":"status","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.status."}},{"name":"session","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"task","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.task."}},\#
        {"name":"project","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.project."}},{"name":"model","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.model."}},\#
        {"name":"user","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.user."}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/where"}},{"name":"order","required":false,\#
        "schema":{"$ref":"#/components/schemas/event_order","default":"desc"}},{"name":"limit",\#
        "required":false,"schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor",\#
        "required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"events":{"type":"array","items":{"$ref":"#/components/schemas/event"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["events"]}}},\#
        {"name":"events.summary","summary":"Events counted by groups, with durations and sums.",\#
        "paramStructure":"by-name","params":[{"name":"kind","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.kind."}},\#
        {"name":"name","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.name."}},{"name":"status","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.status."}},{"name":"session","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"task","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.task."}},\#
        {"name":"project","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.project."}},{"name":"model","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.model."}},\#
        {"name":"user","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.user."}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/where"}},{"name":"group_by","required":false,\#
        "schema":{"$ref":"#/components/schemas/words","description":"Columns (kind, name, status,\#
         session, task, agent, source, host, project, model, branch, parent, user, agent_id,\#
         error_category), spans of time (hour, day, week, month; a week begins on Monday),\#
         or attributes; at most 8. None: one group of all."}},{"name":"time_zone",\#
        "required":false,"schema":{"type":"string","minLength":1,"maxLength":4096,\#
        "description":"An IANA name such as Europe/Berlin: hours, days,\#
         weeks and months are those of its clocks,\#
         told by the moment that they begin. Default: UTC."}},{"name":"sum","required":false,\#
        "schema":{"$ref":"#/components/schemas/words",\#
        "description":"Attributes whose numbers are added up; at most 32."}},{"name":"quantiles",\#
        "required":false,"schema":{"$ref":"#/components/schemas/words",\#
        "description":"Attributes whose numbers' distribution is told; at most 32."}},\#
        {"name":"limit","required":false,"schema":{"$ref":"#/components/schemas/limit"}},\#
        {"name":"cursor","required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"groups":{"type":"array","items":{"$ref":"#/components/schemas/group"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["groups"]}}},\#
        {"name":"sessions.list","summary":"Sessions with activity in the range,\#
         the most recent first.","paramStructure":"by-name","params":[{"name":"session",\#
        "required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"project","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"What the session's project must be, as its newest line says."}},\#
        {"name":"model","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"What the session's model must be, as its newest line says."}},\#
        {"name":"branch","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"What the session's branch must be, as its newest line says."}},\#
        {"name":"parent","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"What the session's parent must be, as its newest line says."}},\#
        {"name":"user","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"What the session's user must be, as its newest line says."}},\#
        {"name":"since","required":false,"schema":{"$ref":"#/components/schemas/since"}},\#
        {"name":"until","required":false,"schema":{"$ref":"#/components/schemas/until"}},\#
        {"name":"where","required":false,"schema":{"$ref":"#/components/schemas/where"}},\#
        {"name":"state","required":false,"schema":{"enum":["active","idle","ended"]}},\#
        {"name":"limit","required":false,"schema":{"$ref":"#/components/schemas/limit"}},\#
        {"name":"cursor","required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"sessions":{"type":"array","items":{"$ref":"#/components/schemas/session"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["sessions"]}}},\#
        {"name":"sessions.get","summary":"One session and its timeline, oldest first.",\#
        "paramStructure":"by-name","params":[{"name":"session","required":true,\#
        "schema":{"type":"string","description":"Which.","minLength":1,"maxLength":4096}},\#
        {"name":"order","required":false,"schema":{"$ref":"#/components/schemas/order",\#
        "default":"asc"}},{"name":"limit","required":false,\#
        "schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor","required":false,\#
        "schema":{"$ref":"#/components/schemas/cursor"}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"session":{"type":"string"},\#
        "started":{"$ref":"#/components/schemas/time"},\#
        "last_activity":{"$ref":"#/components/schemas/time"},"state":{"enum":["active","idle",\#
        "ended"],"description":"Last activity at most 5 min ago, at most 30 min ago,\#
         or before that."},"event_count":{"type":"integer","minimum":0},\#
        "tool_count":{"type":"integer","minimum":0,"description":"Tool calls,\#
         whatever became of them."},"errors":{"type":"integer","minimum":0},\#
        "blocked":{"type":"integer","minimum":0},\#
        "tools":{"$ref":"#/components/schemas/counts_by_name"},\#
        "tokens":{"description":"Null: not known.",\#
        "oneOf":[{"$ref":"#/components/schemas/tokens"},{"type":"null"}]},\#
        "cost_usd":{"type":["number","null"],"description":"Null: not known."},\#
        "timeline":{"type":"array","description":"Its events, whatever their age.",\#
        "items":{"$ref":"#/components/schemas/event"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"},"file_count":{"type":"integer",\#
        "minimum":0,"description":"Files that its calls touched."},\#
        "subagent_count":{"type":"integer","minimum":0,"description":"Subagents within it,\#
         and sessions that it started."},"title":{"type":"string",\#
        "description":"Given where it is known."},"project":{"type":"string",\#
        "description":"The working directory. Given where it is known."},"model":{"type":"string",\#
        "description":"Given where it is known."},"branch":{"type":"string",\#
        "description":"The git branch. Given where it is known."},"parent":{"type":"string",\#
        "description":"The session that started this one. Given where it is known."},\#
        "user":{"type":"string","description":"Given where it is known."},\#
        "subagents":{"type":"array","description":"The first started first, at most 100.",\#
        "items":{"$ref":"#/components/schemas/subagent"},"maxItems":100},"files":{"type":"array",\#
        "description":"The last touched first, at most 100; files.list has them all.",\#
        "items":{"$ref":"#/components/schemas/file"},"maxItems":100}},"required":["session",\#
        "started","last_activity","state","event_count","tool_count","errors","blocked","tools",\#
        "tokens","cost_usd","timeline","file_count","subagent_count","subagents","files"]}}},\#
        {"name":"tools.stats","summary":"Each tool: calls, outcomes and durations.",\#
        "paramStructure":"by-name","params":[{"name":"name","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.name."}},\#
        {"name":"session","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"task","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.task."}},\#
        {"name":"project","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.project."}},{"name":"model","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.model."}},\#
        {"name":"user","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.user."}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/where"}},{"name":"order","required":false,\#
        "schema":{"enum":["calls","errors","slowest"],"default":"calls",\#
        "description":"Most used first, most errors first,\#
         or the highest 90th percentile of durations first."}},{"name":"limit","required":false,\#
        "schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor","required":false,\#
        "schema":{"$ref":"#/components/schemas/cursor"}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"tools":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/tool"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["tools"]}}},\#
        {"name":"errors.list","summary":"Events with status error, newest first.",\#
        "paramStructure":"by-name","params":[{"name":"kind","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.kind."}},\#
        {"name":"name","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.name."}},{"name":"session","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"task","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.task."}},\#
        {"name":"project","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.project."}},{"name":"model","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.model."}},\#
        {"name":"user","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.user."}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/where"}},{"name":"order","required":false,\#
        "schema":{"$ref":"#/components/schemas/event_order","default":"desc"}},{"name":"limit",\#
        "required":false,"schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor",\#
        "required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"errors":{"type":"array","items":{"$ref":"#/components/schemas/event"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["errors"]}}},\#
        {"name":"files.list","summary":"Files that tool calls touched in the range,\#
         the last touched first.","paramStructure":"by-name","params":[{"name":"path",\#
        "required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.path."}},{"name":"session","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"project","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.project."}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"type":"object","description":"Path → test. A path is path, session,\#
         what the session is known by (project, model, branch, parent, user, agent_id),\#
         or of the file's counts: reads, writes, edits. All must hold.","maxProperties":64,\#
        "propertyNames":{"enum":["path","session","project","model","branch","parent","user",\#
        "agent_id","reads","writes","edits"]},\#
        "additionalProperties":{"$ref":"#/components/schemas/test"}}},{"name":"limit",\#
        "required":false,"schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor",\#
        "required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object","properties":{"files":{"type":"array",\#
        "description":"Each with what all sessions that pass did to it; each call counts once.",\#
        "items":{"$ref":"#/components/schemas/file"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["files"]}}},\#
        {"name":"metrics.list","summary":"Which series there are, with samples in the range.",\#
        "paramStructure":"by-name","params":[{"name":"metric","required":false,\#
        "schema":{"type":"string","description":"A name; * stands for anything.","minLength":1,\#
        "maxLength":4096}},{"name":"type","required":false,\#
        "schema":{"$ref":"#/components/schemas/metric_type"}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/where_tags"}},{"name":"limit","required":false,\#
        "schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor","required":false,\#
        "schema":{"$ref":"#/components/schemas/cursor"}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"series":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/series"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["series"]}}},\#
        {"name":"metrics.query","summary":"One metric over time, or several,\#
         or arithmetic over them.","paramStructure":"by-name","params":[{"name":"metric",\#
        "required":false,"schema":{"type":"string","description":"Its name. This or `metrics`.",\#
        "minLength":1,"maxLength":4096}},{"name":"metrics","required":false,\#
        "schema":{"type":"object",\#
        "description":"Name → metric; at most 16. Without `formula` each is answered on its own.",\#
        "minProperties":1,"maxProperties":16,\#
        "propertyNames":{"pattern":"^[A-Za-z_][A-Za-z0-9_]*$"},\#
        "additionalProperties":{"type":"string","minLength":1,"maxLength":4096}}},\#
        {"name":"formula","required":false,"schema":{"type":"string","minLength":1,\#
        "maxLength":1000,"description":"Arithmetic over the names in `metrics`,\#
         step by step and group by group: + - * / ( ), numbers, sum(a, b), min, max,\#
         per_second(a). A step in which a number is missing has no point,\#
         unless `fill` says what stands there; nor has one divided by 0."}},{"name":"type",\#
        "required":false,"schema":{"description":"Only series of this type,\#
         of all metrics or by the names in `metrics`. Without it a metric that has several types i\#
        s answered apart by type, and has no place in a formula.",\#
        "oneOf":[{"$ref":"#/components/schemas/metric_type"},{"type":"object",\#
        "propertyNames":{"pattern":"^[A-Za-z_][A-Za-z0-9_]*$"},\#
        "additionalProperties":{"$ref":"#/components/schemas/metric_type"}}]}},{"name":"where",\#
        "required":false,"schema":{"$ref":"#/components/schemas/where_tags"}},{"name":"since",\#
        "required":false,"schema":{"$ref":"#/components/schemas/since"}},{"name":"until",\#
        "required":false,"schema":{"$ref":"#/components/schemas/until"}},{"name":"step",\#
        "required":false,"schema":{"$ref":"#/components/schemas/step"}},{"name":"time_zone",\#
        "required":false,"schema":{"type":"string","minLength":1,"maxLength":4096,\#
        "description":"IANA name,\#
         such as Europe/Berlin: steps of whole days begin at its midnights. Default: UTC. Where on\#
        ly spans are left that midnight lies within,\#
         days begin with the nearest span; where these are days, they are days of UTC."}},\#
        {"name":"aggregate","required":false,\#
        "schema":{"description":"Which figures; at most 32. Default: count, sum, avg, min, max,\#
         last.","oneOf":[{"$ref":"#/components/schemas/aggregate"},{"type":"array",\#
        "items":{"$ref":"#/components/schemas/aggregate"},"minItems":1,"maxItems":32,\#
        "uniqueItems":true}]}},{"name":"group_by","required":false,\#
        "schema":{"$ref":"#/components/schemas/words",\#
        "description":"Tags: one series for each combination of their values; at most 8."}},\#
        {"name":"fill","required":false,"schema":{"enum":["none","null","zero","previous"],\#
        "default":"none",\#
        "description":"What stands in steps in which nothing was measured: no point, null, 0,\#
         or the value before."}},{"name":"top","required":false,"schema":{"type":"integer",\#
        "minimum":1,"maximum":10000,\#
        "description":"Only so many groups: those whose points of the first aggregate add up to th\#
        e most, of however many there are. Without it more than 10,000 groups are an error."}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"metric":{"type":"string"},"metrics":{"type":"object",\#
        "additionalProperties":{"type":"string"},"description":"As asked, in place of `metric`."},\#
        "formula":{"type":"string"},"since":{"$ref":"#/components/schemas/time"},\#
        "until":{"$ref":"#/components/schemas/time"},"step_s":{"type":"integer","minimum":10,\#
        "description":"The step as it was used: longer than asked for where only wider spans are l\#
        eft. rate and per_second divide by the length of each step. A span that the range cuts cou\#
        nts whole."},"steps":{"type":"array",\#
        "description":"Where parts of the range have steps of different lengths,\#
         in their order: since when which. step_s is the shortest.","items":{"type":"object",\#
        "properties":{"since":{"$ref":"#/components/schemas/time"},"step_s":{"type":"integer",\#
        "minimum":10}},"required":["since","step_s"]},"minItems":2},"tiers":{"type":"array",\#
        "items":{"enum":["10s","1m","1h","1d"]},\#
        "description":"How wide the spans are that the answer was made of: the widest that fit the\#
         steps."},"series":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/metric_series"}}},"required":["since","until",\#
        "step_s","series","tiers"],"oneOf":[{"required":["metric"]},{"required":["metrics"]}]}}},\#
        {"name":"costs.summary","summary":"Model calls: how many, their tokens and what they cost,\#
         by groups and in sum.","paramStructure":"by-name","params":[{"name":"since",\#
        "required":false,"schema":{"oneOf":[{"$ref":"#/components/schemas/time_input"},\#
        {"enum":["today","this_week","this_month"]}],"description":"From when,\#
         inclusive; default: 24 hours ago. A date alone is its midnight in time_zone,\#
         as for until."}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/usage_where"}},{"name":"group_by","required":false,\#
        "schema":{"$ref":"#/components/schemas/words","description":"model, user, session,\#
         project, agent, branch, task, request_type, provider, hour, day, week,\#
         month; at most 8. None: one group of all."}},{"name":"time_zone","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":4096,"description":"An IANA name,\#
         whose midnights begin days, weeks and months; default: UTC."}},{"name":"limit",\#
        "required":false,"schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor",\#
        "required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"groups":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/cost_group"}},"total":{"type":"object",\#
        "properties":{"requests":{"type":"integer","minimum":0},\#
        "tokens":{"$ref":"#/components/schemas/tokens"},"cost_usd":{"type":["number","null"],\#
        "description":"Null where no call has a known price: that is not 0."},\#
        "unpriced_requests":{"type":"integer","minimum":0,\#
        "description":"Calls whose model has no known price; prices.list names them."},\#
        "stated_usd":{"type":["number","null"],\#
        "description":"What the records themselves said; null where none did."},\#
        "cache_hit_percent":{"type":["number","null"],"description":"Of all input,\#
         how much came out of a cache."},"models":{"type":"array","items":{"type":"string"}},\#
        "first":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]},\#
        "last":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]}},\#
        "required":["requests","tokens","cost_usd","unpriced_requests","stated_usd",\#
        "cache_hit_percent","models","first","last"]},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["groups",\#
        "total"]}}},{"name":"costs.blocks","summary":"Windows of a subscription,\#
         from the UTC hour of their first call on: what was used, how fast,\#
         and what it comes to.","paramStructure":"by-name","params":[{"name":"since",\#
        "required":false,"schema":{"$ref":"#/components/schemas/since"}},{"name":"until",\#
        "required":false,"schema":{"$ref":"#/components/schemas/until"}},{"name":"where",\#
        "required":false,"schema":{"$ref":"#/components/schemas/usage_where"}},\#
        {"name":"session_hours","required":false,"schema":{"type":"integer","minimum":1,\#
        "maximum":168,"default":5}},{"name":"token_limit","required":false,\#
        "schema":{"type":"integer","minimum":1,\#
        "description":"Against which the projection is held."}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"blocks":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/cost_block"}}},"required":["blocks"]}}},\#
        {"name":"costs.reconcile","summary":"The same calls under other rules of counting,\#
         and why the totals differ.","paramStructure":"by-name","params":[{"name":"since",\#
        "required":false,"schema":{"$ref":"#/components/schemas/since"}},{"name":"until",\#
        "required":false,"schema":{"$ref":"#/components/schemas/until"}},{"name":"where",\#
        "required":false,"schema":{"$ref":"#/components/schemas/usage_where"}},{"name":"limit",\#
        "required":false,"schema":{"type":"integer","minimum":1,"maximum":1000,"default":10,\#
        "description":"How many of the calls that differ most are shown with their rows."}}],\#
        "result":{"name":"result","schema":{"type":"object","properties":{"rules":{"type":"array",\#
        "items":{"type":"object","properties":{"rule":{"enum":["ours","naive_sum","first_row",\#
        "last_row","largest_row","stated"]},"requests":{"type":"integer","minimum":0},\#
        "tokens":{"$ref":"#/components/schemas/tokens"},"cost_usd":{"type":["number","null"]},\#
        "difference_usd":{"type":["number","null"]},"difference_tokens":{"type":"integer"}},\#
        "required":["rule","requests","tokens","cost_usd","difference_usd","difference_tokens"]}},\#
        "explanations":{"type":"array","items":{"type":"string"}},"calls":{"type":"array",\#
        "items":{"type":"object","properties":{"time":{"$ref":"#/components/schemas/time"},\#
        "session":{"type":["string","null"]},"model":{"type":["string","null"]},\#
        "message_id":{"type":["string","null"]},"request_id":{"type":["string","null"]},\#
        "tokens":{"$ref":"#/components/schemas/tokens"},"cost_usd":{"type":["number","null"]},\#
        "excess_usd":{"type":["number","null"],"description":"The sum of its rows,\#
         less what it cost."},"excess_tokens":{"type":"integer"},"rows":{"type":"array",\#
        "items":{"type":"object","properties":{"source":{"type":"object",\#
        "properties":{"path":{"type":"string"},"offset":{"type":"integer","minimum":0}},\#
        "required":["path","offset"]},"time":{"$ref":"#/components/schemas/time"},\#
        "tokens":{"$ref":"#/components/schemas/tokens"},"final":{"type":"boolean",\#
        "description":"It names why the call ended."},"sidechain":{"type":"boolean"},\#
        "counted":{"type":"boolean"}},"required":["source","time","tokens","final","sidechain",\#
        "counted"]}}},"required":["time","session","model","message_id","request_id","tokens",\#
        "cost_usd","excess_usd","excess_tokens","rows"]}}},"required":["rules","explanations",\#
        "calls"]}}},{"name":"limits.list",\#
        "summary":"All limits and what is spent of them; one that each session has for itself show\#
        s the session that spent most.","paramStructure":"by-name","params":[],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"limits":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/spend_limit"}}},"required":["limits"]}}},\#
        {"name":"limits.set","summary":"Sets a limit,\#
         or takes it away; answers with all that hold then.","paramStructure":"by-name",\#
        "params":[{"name":"scope","required":true,\#
        "schema":{"$ref":"#/components/schemas/spend_scope"}},{"name":"period","required":true,\#
        "schema":{"enum":["day","week","month","session"],\#
        "description":"session: each session for itself."}},{"name":"limit_usd","required":true,\#
        "schema":{"type":["number","null"],"exclusiveMinimum":0,"maximum":1000000000.0,\#
        "description":"Null: no limit."}},{"name":"time_zone","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":4096,"description":"An IANA name,\#
         whose midnights begin days, weeks and months; default: UTC."}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"limits":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/spend_limit"}}},"required":["limits"]}}},\#
        {"name":"limits.check","summary":"Whether somebody may go on spending, from memory.",\#
        "paramStructure":"by-name","params":[{"name":"user","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":4096}},{"name":"project",\#
        "required":false,"schema":{"type":"string","minLength":1,"maxLength":4096}},\#
        {"name":"session","required":false,"schema":{"type":"string","minLength":1,\#
        "maxLength":4096}}],"result":{"name":"result","schema":{"type":"object",\#
        "properties":{"allowed":{"type":"boolean"},"limits":{"type":"array",\#
        "description":"Those that bind who asks.",\#
        "items":{"$ref":"#/components/schemas/spend_limit"}}},"required":["allowed","limits"]}}},\#
        {"name":"prices.list","summary":"The prices in force, and the models that have none.",\#
        "paramStructure":"by-name","params":[{"name":"limit","required":false,\#
        "schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor","required":false,\#
        "schema":{"$ref":"#/components/schemas/cursor"}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"prices":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/price"}},"unpriced":{"type":"array",\#
        "items":{"type":"object","properties":{"model":{"type":["string","null"]},\#
        "requests":{"type":"integer","minimum":0},"first":{"$ref":"#/components/schemas/time"},\#
        "last":{"$ref":"#/components/schemas/time"}},"required":["model","requests","first",\#
        "last"]}},"next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["prices",\#
        "unpriced"]}}},{"name":"prices.set",\#
        "summary":"Sets a model's price in USD per million tokens. Cache prices that are left out \#
        are 1.25, 2 and 0.1 of the input.","paramStructure":"by-name","params":[{"name":"model",\#
        "required":true,"schema":{"type":"string","minLength":1,"maxLength":4096}},\#
        {"name":"valid_from","required":false,\#
        "schema":{"oneOf":[{"$ref":"#/components/schemas/time_input"},{"type":"null"}],\#
        "description":"Default: since ever."}},{"name":"input","required":true,\#
        "schema":{"type":"number","minimum":0,"maximum":1000000000.0}},{"name":"output",\#
        "required":true,"schema":{"type":"number","minimum":0,"maximum":1000000000.0}},\#
        {"name":"cache_write_5m","required":false,"schema":{"type":"number","minimum":0,\#
        "maximum":1000000000.0}},{"name":"cache_write_1h","required":false,\#
        "schema":{"type":"number","minimum":0,"maximum":1000000000.0}},{"name":"cache_read",\#
        "required":false,"schema":{"type":"number","minimum":0,"maximum":1000000000.0}},\#
        {"name":"above","required":false,"schema":{"type":"object",\#
        "properties":{"tokens":{"type":"integer","minimum":1},"input":{"type":"number",\#
        "minimum":0,"maximum":1000000000.0},"output":{"type":"number","minimum":0,\#
        "maximum":1000000000.0},"cache_write_5m":{"type":"number","minimum":0,\#
        "maximum":1000000000.0},"cache_write_1h":{"type":"number","minimum":0,\#
        "maximum":1000000000.0},"cache_read":{"type":"number","minimum":0,\#
        "maximum":1000000000.0}},"required":["tokens","input","output"],\#
        "additionalProperties":false}},{"name":"fast_multiplier","required":false,\#
        "schema":{"type":"number","minimum":0,"maximum":1000000000.0,"default":1}},\#
        {"name":"batch_multiplier","required":false,"schema":{"type":"number","minimum":0,\#
        "maximum":1000000000.0,"default":0.5}},{"name":"note","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":4096}},{"name":"recompute",\#
        "required":false,"schema":{"type":"boolean","default":false,\#
        "description":"Also calls that have a cost. Without: only those that have none."}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"price":{"$ref":"#/components/schemas/price"},\#
        "priced_requests":{"type":"integer","minimum":0},"recomputed_requests":{"type":"integer",\#
        "minimum":0}},"required":["price","priced_requests","recomputed_requests"]}}},\#
        {"name":"tasks.list","summary":"Tasks that changed in the range, the newest change first,\#
         and how many there are of each status.","paramStructure":"by-name",\#
        "params":[{"name":"status","required":false,"schema":{"enum":["pending","running",\#
        "completed","failed","stopped","all"],"default":"all"}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/where","description":"Paths are task, status, name,\#
         description, user, session, model, workspace, agent_type, phase, phase_number, result,\#
         error, message."}},{"name":"limit","required":false,\#
        "schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor","required":false,\#
        "schema":{"$ref":"#/components/schemas/cursor"}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"tasks":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/task"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"},\#
        "counts":{"$ref":"#/components/schemas/task_counts","description":"Of the range and where,\#
         whatever status and page are asked for."},"success_rate_percent":{"type":["number",\#
        "null"],"minimum":0,"maximum":100,\#
        "description":"100 · completed / (completed + failed); null when none ended so."}},\#
        "required":["tasks","counts","success_rate_percent"]}}},{"name":"tasks.get",\#
        "summary":"One task, with its activity, its tool calls and its documents,\#
         each oldest first.","paramStructure":"by-name","params":[{"name":"task","required":true,\#
        "schema":{"type":"string","minLength":1,"maxLength":4096,"description":"Which."}},\#
        {"name":"session","required":false,"schema":{"type":"string","minLength":1,\#
        "maxLength":4096,"description":"Whose,\#
         where sessions number their tasks; else the one that changed last."}},{"name":"limit",\#
        "required":false,"schema":{"$ref":"#/components/schemas/limit",\#
        "description":"At most this many of each list: the newest. tasks.activity and events.query\#
         have the rest."}}],"result":{"name":"result","schema":{"type":"object",\#
        "properties":{"task":{"type":"string","description":"Its id."},\#
        "status":{"enum":["pending","running","completed","failed","stopped"]},\#
        "created":{"$ref":"#/components/schemas/time",\#
        "description":"The earliest time that anything says."},\#
        "updated":{"$ref":"#/components/schemas/time","description":"The latest change."},\#
        "started":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}],\#
        "description":"When it first ran; null when nobody said."},\#
        "ended":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}],\#
        "description":"When it got the status that it ended with; null while it has none."},\#
        "duration_ms":{"type":["number","null"],"minimum":0,"description":"From its start,\#
         else from its creation, to its end."},"name":{"type":["string","null"]},\#
        "description":{"type":["string","null"]},"user":{"type":["string","null"]},\#
        "session":{"type":["string","null"]},"model":{"type":["string","null"]},\#
        "workspace":{"type":["string","null"]},"agent_type":{"type":["string","null"]},\#
        "phase":{"type":["string","null"]},"phase_number":{"type":["integer","string","null"],\#
        "description":"A number, or what else was said."},"result":{"type":["string","null"]},\#
        "error":{"type":["string","null"]},"message":{"type":["string","null"],\#
        "description":"The last line of its activity."},"activity_count":{"type":"integer",\#
        "minimum":0,"description":"All of it."},"activity":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/task_activity"}},"tool_count":{"type":"integer",\#
        "minimum":0,"description":"All calls."},"tools":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/tool"}},"timeline":{"type":"array",\#
        "description":"Tool calls.","items":{"$ref":"#/components/schemas/event"}},\#
        "documents":{"type":"array","items":{"$ref":"#/components/schemas/document"}}},\#
        "required":["task","status","created","updated","started","ended","duration_ms","name",\#
        "description","user","session","model","workspace","agent_type","phase","phase_number",\#
        "result","error","message","activity_count","activity","tool_count","tools","timeline",\#
        "documents"]}}},{"name":"tasks.activity","summary":"What happened to tasks,\#
         newest first.","paramStructure":"by-name","params":[{"name":"task","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":4096,\#
        "description":"Only of this one."}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"limit","required":false,\#
        "schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor","required":false,\#
        "schema":{"$ref":"#/components/schemas/cursor"}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"activity":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/task_activity"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["activity"]}}},\#
        {"name":"tasks.put",\#
        "summary":"Makes a task or changes it; what is not given stays. Also an event of kind task\#
        .","paramStructure":"by-name","params":[{"name":"task","required":true,\#
        "schema":{"type":"string","minLength":1,"maxLength":1024,"description":"Its id."}},\#
        {"name":"status","required":false,"schema":{"enum":["pending","running","completed",\#
        "failed","stopped"]}},{"name":"name","required":false,"schema":{"type":"string",\#
        "minLength":1,"maxLength":16384}},{"name":"description","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":16384}},{"name":"user",\#
        "required":false,"schema":{"type":"string","minLength":1,"maxLength":16384}},\#
        {"name":"session","required":false,"schema":{"type":"string","minLength":1,\#
        "maxLength":16384,"description":"Also whose task is meant,\#
         where sessions number their tasks."}},{"name":"model","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":16384}},{"name":"workspace",\#
        "required":false,"schema":{"type":"string","minLength":1,"maxLength":16384}},\#
        {"name":"agent_type","required":false,"schema":{"type":"string","minLength":1,\#
        "maxLength":16384}},{"name":"phase","required":false,"schema":{"type":"string",\#
        "minLength":1,"maxLength":16384}},{"name":"phase_number","required":false,\#
        "schema":{"type":"integer","minimum":0}},{"name":"result","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":16384}},{"name":"error",\#
        "required":false,"schema":{"type":"string","minLength":1,"maxLength":16384}},\#
        {"name":"message","required":false,"schema":{"type":"string","minLength":1,\#
        "maxLength":16384,"description":"A line for its activity."}},{"name":"time",\#
        "required":false,"schema":{"$ref":"#/components/schemas/time_input",\#
        "description":"When it was so; default: now. Later changes stay."}}],\#
        "result":{"name":"result","schema":{"$ref":"#/components/schemas/task"}}},\#
        {"name":"documents.list","summary":"Documents, the newest change first.",\#
        "paramStructure":"by-name","params":[{"name":"kind","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.kind."}},\#
        {"name":"task","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.task."}},{"name":"session","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/time_input","description":"From when, inclusive,\#
         by the last change; default: all."}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/where","description":"Paths are id, kind, title,\#
         task, session, version, size_bytes, or lead into the body."}},{"name":"limit",\#
        "required":false,"schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor",\#
        "required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"documents":{"type":"array",\#
        "items":{"$ref":"#/components/schemas/document"}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["documents"]}}},\#
        {"name":"documents.get","summary":"One document.","paramStructure":"by-name",\#
        "params":[{"name":"id","required":true,\#
        "schema":{"$ref":"#/components/schemas/document_id"}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"id":{"type":"string"},"kind":{"type":["string",\#
        "null"]},"title":{"type":["string","null"]},"task":{"type":["string","null"]},\#
        "session":{"type":["string","null"]},"created":{"$ref":"#/components/schemas/time"},\#
        "updated":{"$ref":"#/components/schemas/time"},"version":{"type":"integer","minimum":1,\#
        "description":"Counts up with each change."},"size_bytes":{"type":"integer","minimum":0,\#
        "description":"Of the body as JSON text."},"body":{"type":["object","array"]}},\#
        "required":["id","kind","title","task","session","created","updated","version",\#
        "size_bytes","body"]}}},{"name":"documents.search",\#
        "summary":"Documents that have all words of a query, the best fit first.",\#
        "paramStructure":"by-name","params":[{"name":"query","required":true,\#
        "schema":{"type":"string","minLength":1,"maxLength":4096,"description":"Words,\#
         \"phrases\",\#
         and beginnings* of words; at most 32. All else is text: case and accents do not matter."}\#
        },{"name":"kind","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.kind."}},{"name":"task","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.task."}},\#
        {"name":"session","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/time_input","description":"From when, inclusive,\#
         by the last change; default: all."}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}},{"name":"where","required":false,\#
        "schema":{"$ref":"#/components/schemas/where","description":"Paths are id, kind, title,\#
         task, session, version, size_bytes, or lead into the body."}},{"name":"limit",\#
        "required":false,"schema":{"$ref":"#/components/schemas/limit"}},{"name":"cursor",\#
        "required":false,"schema":{"$ref":"#/components/schemas/cursor"}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"documents":{"type":"array","items":{"type":"object",\#
        "properties":{"id":{"type":"string"},"kind":{"type":["string","null"]},\#
        "title":{"type":["string","null"]},"task":{"type":["string","null"]},\#
        "session":{"type":["string","null"]},"created":{"$ref":"#/components/schemas/time"},\#
        "updated":{"$ref":"#/components/schemas/time"},"version":{"type":"integer","minimum":1,\#
        "description":"Counts up with each change."},"size_bytes":{"type":"integer","minimum":0,\#
        "description":"Of the body as JSON text."},"score":{"type":"number",\#
        "description":"The larger the better; comparable within one answer."},\#
        "snippet":{"type":"string","description":"Text around what was found,\#
         which stands in brackets."}},"required":["id","kind","title","task","session","created",\#
        "updated","version","size_bytes","score","snippet"]}},\#
        "next_cursor":{"$ref":"#/components/schemas/next_cursor"}},"required":["documents"]}}},\#
        {"name":"documents.put","summary":"Makes a document,\#
         or replaces all of it but its id and the time it was made.","paramStructure":"by-name",\#
        "params":[{"name":"id","required":true,\#
        "schema":{"$ref":"#/components/schemas/document_id"}},{"name":"kind","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":1024,\#
        "description":"Such as architecture."}},{"name":"title","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":1024}},{"name":"task",\#
        "required":false,"schema":{"type":"string","minLength":1,"maxLength":1024,\#
        "description":"Whose it is."}},{"name":"session","required":false,\#
        "schema":{"type":"string","minLength":1,"maxLength":1024}},{"name":"body","required":true,\#
        "schema":{"type":["object","array"],"description":"Any JSON, at most 768 KiB as text."}}],\#
        "result":{"name":"result","schema":{"$ref":"#/components/schemas/document"}}},\#
        {"name":"documents.delete","summary":"Takes a document away.","paramStructure":"by-name",\#
        "params":[{"name":"id","required":true,\#
        "schema":{"$ref":"#/components/schemas/document_id"}}],"result":{"name":"result",\#
        "schema":{"type":"object",\#
        "properties":{"deleted":{"$ref":"#/components/schemas/document_id"}},\#
        "required":["deleted"]}}},{"name":"overview",\#
        "summary":"The figures of a dashboard's footer. Tasks are all there are; all else is of th\#
        e range.","paramStructure":"by-name","params":[{"name":"since","required":false,\#
        "schema":{"$ref":"#/components/schemas/since"}},{"name":"until","required":false,\#
        "schema":{"$ref":"#/components/schemas/until"}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"since":{"$ref":"#/components/schemas/time"},\#
        "errors":{"type":"integer","minimum":0,"description":"Events with status error."},\#
        "tasks":{"$ref":"#/components/schemas/task_counts"},\#
        "success_rate_percent":{"type":["number","null"],"minimum":0,"maximum":100,\#
        "description":"100 · completed / (completed + failed); null when none ended so."},\#
        "api_cost_usd":{"type":["number","null"],\#
        "description":"Of calls whose price is known; null when there are none."},\#
        "api_requests":{"type":"integer","minimum":0,"description":"Calls of models."},\#
        "unpriced_requests":{"type":"integer","minimum":0,\#
        "description":"Those whose price is not known."},"tool_calls":{"type":"integer",\#
        "minimum":0},"sessions":{"type":"object","description":"With activity in the range,\#
         by state.","properties":{"total":{"type":"integer","minimum":0},\#
        "active":{"type":"integer","minimum":0},"idle":{"type":"integer","minimum":0},\#
        "ended":{"type":"integer","minimum":0}},"required":["total","active","idle","ended"]}},\#
        "required":["since","errors","tasks","success_rate_percent","api_cost_usd","api_requests",\#
        "unpriced_requests","tool_calls","sessions"]}}},{"name":"sql",\#
        "summary":"One SELECT over the views that docs/sql.md describes.",\#
        "paramStructure":"by-name","params":[{"name":"query","required":true,\#
        "schema":{"type":"string","minLength":1,"maxLength":65536,\#
        "description":"One SELECT in SQLite's dialect. It may read the views and do nothing else."\#
        }},{"name":"limit","required":false,"schema":{"type":"integer","minimum":1,\#
        "maximum":10000,"default":1000,"description":"Rows of the reply at most."}}],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"columns":{"type":"array","items":{"type":"string"}},"rows":{"type":"array",\#
        "items":{"type":"array","items":{"$ref":"#/components/schemas/scalar"}},\#
        "description":"Values in the order of the columns; blobs as hexadecimal text."},\#
        "truncated":{"type":"boolean","description":"There were more rows than limit,\#
         or than fit a reply."}},"required":["columns","rows","truncated"]}}},{"name":"subscribe",\#
        "summary":"A stream of notifications on this connection.","paramStructure":"by-name",\#
        "params":[{"name":"topics","required":false,"schema":{"description":"Default: events.",\#
        "oneOf":[{"$ref":"#/components/schemas/topic"},{"type":"array",\#
        "items":{"$ref":"#/components/schemas/topic"},"minItems":1,"uniqueItems":true}]}},\#
        {"name":"kind","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.kind."}},{"name":"name","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.name."}},\#
        {"name":"status","required":false,"schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.status."}},{"name":"session","required":false,\#
        "schema":{"$ref":"#/components/schemas/test",\#
        "description":"Shorthand for where.session."}},{"name":"task","required":false,\#
        "schema":{"$ref":"#/components/schemas/test","description":"Shorthand for where.task."}},\#
        {"name":"where","required":false,"schema":{"$ref":"#/components/schemas/where",\#
        "description":"Which events; other topics are not filtered."}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"subscription":{"type":"integer",\#
        "description":"Its number, as in every notification and for unsubscribe.","minimum":1},\#
        "topics":{"type":"array","items":{"$ref":"#/components/schemas/topic"}}},\#
        "required":["subscription","topics"]}}},{"name":"unsubscribe",\#
        "summary":"End a subscription of this connection.","paramStructure":"by-name",\#
        "params":[{"name":"subscription","required":true,"schema":{"type":"integer",\#
        "minimum":1}}],"result":{"name":"result","schema":{"type":"object",\#
        "properties":{"unsubscribed":{"const":true},"subscription":{"type":"integer",\#
        "minimum":1}},"required":["unsubscribed","subscription"]}}},{"name":"admin.retention",\#
        "summary":"Takes away now what is too old or too much; or only tells what would go.",\#
        "paramStructure":"by-name","params":[{"name":"dry_run","required":false,\#
        "schema":{"type":"boolean","default":false,\#
        "description":"Nothing goes. What would go for its age is counted,\#
         what would go for the size of the database is estimated from the average sizes of rows."}\#
        }],"result":{"name":"result","schema":{"type":"object",\#
        "properties":{"dry_run":{"type":"boolean"},\#
        "removed":{"$ref":"#/components/schemas/removed"}},"required":["dry_run","removed"]}}},\#
        {"name":"admin.backup","summary":"A consistent copy of the database,\#
         made while commits go on and read again to be sure. Refused with -32005 (`memory_mode`) w\#
        hile the database is in memory, which has the recent hours only.",\#
        "paramStructure":"by-name","params":[{"name":"path","required":true,\#
        "schema":{"type":"string","pattern":"^/",\#
        "description":"An absolute path at which there is nothing yet; written by the daemon's use\#
        r."}}],"result":{"name":"result","schema":{"type":"object",\#
        "properties":{"path":{"type":"string"},"size_bytes":{"type":"integer","minimum":0},\#
        "events":{"type":"integer","minimum":0},"schema_version":{"type":"integer","minimum":1}},\#
        "required":["path","size_bytes","events","schema_version"]}}},{"name":"admin.persistence",\#
        "summary":"Switches persistence on or off, until the next start or reload.",\#
        "paramStructure":"by-name","params":[{"name":"enabled","required":true,\#
        "schema":{"type":"boolean","description":"false: what comes is kept in memory,\#
         the last two hours of it and 32 MiB at most,\#
         and agents keep what they sent; true: the file goes on from where it was,\#
         and agents send again what it lacks."}}],"result":{"name":"result",\#
        "schema":{"type":"object","properties":{"mode":{"enum":["persistent","memory"]}},\#
        "required":["mode"]}}},{"name":"admin.flush",\#
        "summary":"Commits now what waits for its group.","paramStructure":"by-name","params":[],\#
        "result":{"name":"result","schema":{"type":"object",\#
        "properties":{"flushed":{"const":true}},"required":["flushed"]}}}],\#
        "components":{"schemas":{"scalar":{"type":["string","number","boolean","null"],\#
        "description":"A JSON scalar; null stands for what is absent."},"time":{"type":"string",\#
        "description":"RFC 3339 in UTC with milliseconds.",\#
        "pattern":"^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$",\#
        "examples":["2026-11-20T15:17:28.926Z"]},\#
        "time_input":{"description":"A moment: RFC 3339 (a date alone is its midnight in UTC),\#
         Unix seconds, or a span back from now.","oneOf":[{"type":"number","minimum":-62135596800,\#
        "exclusiveMaximum":253402300800},{"type":"string",\#
        "pattern":"^\\d{4}-\\d\\d-\\d\\d([Tt ]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?([Zz]|[+-]\\d\\d:\\d\\\#
        d))?$"},{"$ref":"#/components/schemas/span"}],"examples":["24h",1795188000,\#
        "2026-11-20T15:17:28Z"]},"span":{"type":"string","description":"A number of seconds,\#
         minutes, hours, days or weeks.","pattern":"^\\d+[smhdw]$","examples":["90s","15m","24h",\#
        "7d","4w"]},"since":{"$ref":"#/components/schemas/time_input","description":"From when,\#
         inclusive; default: 24 hours ago."},"until":{"$ref":"#/components/schemas/time_input",\#
        "description":"Until when, exclusive; default: no end. Not before since."},\#
        "step":{"description":"Length of a step: a span or seconds,\#
         a multiple of 10 s. Default: at most 300 points. At most 11,000 points.",\#
        "oneOf":[{"$ref":"#/components/schemas/span"},{"type":"integer","minimum":10,\#
        "multipleOf":10}]},"limit":{"type":"integer","description":"At most this many rows.",\#
        "minimum":1,"maximum":10000,"default":100},"cursor":{"type":"string",\#
        "description":"Opaque: next_cursor of the page before.","minLength":1,"maxLength":4096},\#
        "next_cursor":{"type":"string",\#
        "description":"Given where there is more: the cursor of the next page.","minLength":1},\#
        "order":{"enum":["asc","desc"],"description":"By time: oldest first or newest first."},\#
        "words":{"description":"A list of strings without repetition; one string alone is a list o\#
        f one.","oneOf":[{"type":"string","minLength":1,"maxLength":4096},{"type":"array",\#
        "items":{"type":"string","minLength":1,"maxLength":4096},"uniqueItems":true}]},\#
        "where":{"type":"object","description":"Path → test. A path is a column (kind, name,\#
         status, session, task, agent, error, error_category, duration_ms, source, host, project,\#
         model, branch, parent, user, agent_id), or leads into the attributes,\#
         its parts joined by dots. All must hold.","maxProperties":64,\#
        "propertyNames":{"minLength":1},\#
        "additionalProperties":{"$ref":"#/components/schemas/test"}},\#
        "where_tags":{"type":"object","description":"Tag → test. All must hold.",\#
        "maxProperties":64,"propertyNames":{"minLength":1},\#
        "additionalProperties":{"$ref":"#/components/schemas/test"}},\#
        "test":{"description":"A value, a list of values, or comparisons that must all hold.",\#
        "oneOf":[{"$ref":"#/components/schemas/scalar"},{"type":"array",\#
        "items":{"$ref":"#/components/schemas/scalar"},"minItems":1,"maxItems":1000},\#
        {"$ref":"#/components/schemas/comparisons"}]},"comparisons":{"type":"object",\#
        "minProperties":1,"properties":{"gte":{"$ref":"#/components/schemas/comparable"},\#
        "gt":{"$ref":"#/components/schemas/comparable"},\#
        "lte":{"$ref":"#/components/schemas/comparable"},\#
        "lt":{"$ref":"#/components/schemas/comparable"},"like":{"type":"string",\#
        "description":"As in SQL: % and _; ASCII case is folded.","minLength":1,"maxLength":4096},\#
        "not":{"$ref":"#/components/schemas/test"}},"additionalProperties":false},\#
        "comparable":{"type":["string","number"]},"status":{"enum":["ok","error","running",\#
        "blocked",null],"description":"How an event ended,\#
         or that it has not; null when it says nothing."},"event":{"type":"object",\#
        "properties":{"seq":{"type":"integer","minimum":0,\#
        "description":"Counts the events of this database."},\#
        "time":{"$ref":"#/components/schemas/time"},"time_is":{"const":"arrival",\#
        "description":"Given when the line had no time of its own."},"kind":{"type":"string"},\#
        "name":{"type":["string","null"]},"status":{"$ref":"#/components/schemas/status"},\#
        "duration_ms":{"type":["number","null"]},"session":{"type":["string","null"]},\#
        "task":{"type":["string","null"]},"agent":{"type":["string","null"]},\#
        "error":{"type":["string","null"]},"source":{"type":"object",\#
        "properties":{"path":{"type":"string"},"offset":{"type":"integer","minimum":0,\#
        "description":"Where the line begins, in bytes."}},"required":["path","offset"]},\#
        "attributes":{"type":"object","description":"Whatever else the line said."},\#
        "project":{"type":"string",\#
        "description":"The working directory. Given where it is known."},"model":{"type":"string",\#
        "description":"Given where it is known."},"branch":{"type":"string",\#
        "description":"The git branch. Given where it is known."},"parent":{"type":"string",\#
        "description":"The session that started this one. Given where it is known."},\#
        "user":{"type":"string","description":"Given where it is known."},\#
        "agent_id":{"type":"string","description":"The subagent. Given where it is known."},\#
        "error_category":{"$ref":"#/components/schemas/error_category",\#
        "description":"Of status error alone."}},"required":["seq","time","kind","name","status",\#
        "duration_ms","session","task","agent","error","source","attributes"]},\#
        "durations":{"type":"object","description":"Milliseconds; quantiles within 1 %.",\#
        "properties":{"min":{"type":"number"},"avg":{"type":"number"},"p50":{"type":"number"},\#
        "p90":{"type":"number"},"p99":{"type":"number"},"max":{"type":"number"}},\#
        "required":["min","avg","p50","p90","p99","max"]},"group":{"type":"object",\#
        "properties":{"group":{"type":"object",\#
        "description":"Each word of group_by and its value.",\#
        "additionalProperties":{"$ref":"#/components/schemas/scalar"}},"count":{"type":"integer",\#
        "minimum":0,"description":"All of them."},"ok":{"type":"integer","minimum":0},\#
        "errors":{"type":"integer","minimum":0},"blocked":{"type":"integer","minimum":0},\#
        "running":{"type":"integer","minimum":0},"success_rate_percent":{"type":["number","null"],\#
        "description":"100 · ok / (ok + errors); null when none ended.","minimum":0,\#
        "maximum":100},"duration_ms":{"oneOf":[{"$ref":"#/components/schemas/durations"},\#
        {"type":"null"}]},"sum":{"type":"object",\#
        "description":"Each path of sum and the total of its numbers.",\#
        "additionalProperties":{"type":"number"}},"last":{"$ref":"#/components/schemas/time",\#
        "description":"The time of the newest."},"quantiles":{"type":"object",\#
        "description":"Each attribute named in quantiles and how its numbers are distributed; null\#
         where there are none. Given where asked for.",\#
        "additionalProperties":{"oneOf":[{"$ref":"#/components/schemas/distribution"},\#
        {"type":"null"}]}}},"required":["group","count","ok","errors","blocked","running",\#
        "success_rate_percent","duration_ms","sum","last"]},"session":{"type":"object",\#
        "properties":{"session":{"type":"string"},"started":{"$ref":"#/components/schemas/time"},\#
        "last_activity":{"$ref":"#/components/schemas/time"},"state":{"enum":["active","idle",\#
        "ended"],"description":"Last activity at most 5 min ago, at most 30 min ago,\#
         or before that."},"event_count":{"type":"integer","minimum":0},\#
        "tool_count":{"type":"integer","minimum":0,"description":"Tool calls,\#
         whatever became of them."},"errors":{"type":"integer","minimum":0},\#
        "blocked":{"type":"integer","minimum":0},\#
        "tools":{"$ref":"#/components/schemas/counts_by_name"},\#
        "tokens":{"description":"Null: not known.",\#
        "oneOf":[{"$ref":"#/components/schemas/tokens"},{"type":"null"}]},\#
        "cost_usd":{"type":["number","null"],"description":"Null: not known."},\#
        "file_count":{"type":"integer","minimum":0,"description":"Files that its calls touched."},\#
        "subagent_count":{"type":"integer","minimum":0,"description":"Subagents within it,\#
         and sessions that it started."},"title":{"type":"string",\#
        "description":"Given where it is known."},"project":{"type":"string",\#
        "description":"The working directory. Given where it is known."},"model":{"type":"string",\#
        "description":"Given where it is known."},"branch":{"type":"string",\#
        "description":"The git branch. Given where it is known."},"parent":{"type":"string",\#
        "description":"The session that started this one. Given where it is known."},\#
        "user":{"type":"string","description":"Given where it is known."}},"required":["session",\#
        "started","last_activity","state","event_count","tool_count","errors","blocked","tools",\#
        "tokens","cost_usd","file_count","subagent_count"]},"tool":{"type":"object",\#
        "properties":{"name":{"type":"string"},"count":{"type":"integer","minimum":0,\#
        "description":"All of them."},"ok":{"type":"integer","minimum":0},\#
        "errors":{"type":"integer","minimum":0},"blocked":{"type":"integer","minimum":0},\#
        "running":{"type":"integer","minimum":0},"success_rate_percent":{"type":["number","null"],\#
        "description":"100 · ok / (ok + errors); null when none ended.","minimum":0,\#
        "maximum":100},"duration_ms":{"oneOf":[{"$ref":"#/components/schemas/durations"},\#
        {"type":"null"}]},"last_used":{"$ref":"#/components/schemas/time"},\#
        "errors_by_category":{"type":"object",\#
        "description":"Of the errors whose events are still there.",\#
        "propertyNames":{"$ref":"#/components/schemas/error_category"},\#
        "additionalProperties":{"type":"integer","minimum":1}}},"required":["name","count","ok",\#
        "errors","blocked","running","success_rate_percent","duration_ms","last_used",\#
        "errors_by_category"]},"metric_type":{"enum":["counter","gauge","timer","histogram",\#
        "distribution","set"]},"tags":{"type":"object",\#
        "description":"The value of a bare tag is empty; values of a key that comes more than once\#
         are a list.","additionalProperties":{"oneOf":[{"type":"string"},{"type":"array",\#
        "items":{"type":"string"},"minItems":2}]}},"series":{"type":"object",\#
        "properties":{"name":{"type":"string"},"type":{"$ref":"#/components/schemas/metric_type"},\#
        "tags":{"$ref":"#/components/schemas/tags"},"first":{"$ref":"#/components/schemas/time"},\#
        "last":{"$ref":"#/components/schemas/time"},"samples":{"type":"number",\#
        "description":"Samples, weighted by their sample rates.","minimum":0}},"required":["name",\#
        "type","tags","first","last","samples"]},"metric_series":{"type":"object",\#
        "properties":{"metric":{"type":"string","description":"Which of several metrics,\#
         by its name in `metrics`."},"type":{"$ref":"#/components/schemas/metric_type",\#
        "description":"Of what this was made: a counter and a timer of one name are two series. No\#
        t of a formula."},"tags":{"type":"object",\#
        "description":"The tags grouped by; null where a series lacks one.",\#
        "additionalProperties":{"type":["string","null"]}},"points":{"type":"object",\#
        "description":"Each aggregate asked for and its points.",\#
        "additionalProperties":{"type":"array","items":{"$ref":"#/components/schemas/point"}}}},\#
        "required":["tags","points"]},"point":{"type":"array",\#
        "description":"Start of the step in Unix seconds, and the value.",\#
        "prefixItems":[{"type":"integer"},{"type":["number","null"]}],"minItems":2,"maxItems":2,\#
        "items":false},"aggregate":{"type":"string",\#
        "description":"Sets count distinct values. rate is per second and increase over the step: \#
        of counters what they grew by, of all others their samples. Quantiles are within 1 %.",\#
        "pattern":"^(count|sum|avg|min|max|last|rate|increase|p\\d{1,3}(\\.\\d+)?)$"},\#
        "counts_by_name":{"type":"object","additionalProperties":{"type":"integer","minimum":0}},\#
        "tally":{"type":"object",\#
        "description":"received = stored + merged + blank + the sum of rejected + the sum of lost"\#
        ,"properties":{"received":{"type":"integer","minimum":0,"description":"Lines."},\#
        "stored":{"type":"integer","minimum":0,\#
        "description":"Lines that became a record or a sample."},"merged":{"type":"integer",\#
        "minimum":0,"description":"Lines that completed a record begun by another."},\#
        "blank":{"type":"integer","minimum":0},\#
        "rejected":{"$ref":"#/components/schemas/counts_by_name"},\#
        "lost":{"$ref":"#/components/schemas/counts_by_name"},"lost_bytes":{"type":"integer",\#
        "minimum":0,"description":"Destroyed unread, where lines cannot be counted."}},\#
        "required":["received","stored","merged","blank","rejected","lost","lost_bytes"]},\#
        "source_account":{"type":"object","properties":{"source_id":{"type":"integer",\#
        "minimum":0},"host":{"type":"string"},"kind":{"enum":["file","document","datagrams"]},\#
        "key":{"type":"string","description":"Which stream of bytes this is, whatever its name."},\#
        "path":{"type":"string"},"incarnation":{"type":"integer","minimum":0,\#
        "description":"Counts up when a file is rewritten in place."},\#
        "opened":{"$ref":"#/components/schemas/time"},"finished":{"type":"boolean",\#
        "description":"Nothing will follow."},"position":{"type":"integer","minimum":0,\#
        "description":"All bytes before it are in the database."},"size_bytes":{"type":"integer",\#
        "minimum":0,"description":"As far as the agent has seen."},"lag_bytes":{"type":"integer",\#
        "minimum":0},"balanced":{"type":"boolean"},"received":{"type":"integer","minimum":0,\#
        "description":"Lines."},"stored":{"type":"integer","minimum":0,\#
        "description":"Lines that became a record or a sample."},"merged":{"type":"integer",\#
        "minimum":0,"description":"Lines that completed a record begun by another."},\#
        "blank":{"type":"integer","minimum":0},\#
        "rejected":{"$ref":"#/components/schemas/counts_by_name"},\#
        "lost":{"$ref":"#/components/schemas/counts_by_name"},"lost_bytes":{"type":"integer",\#
        "minimum":0}},"required":["source_id","host","kind","key","path","incarnation","opened",\#
        "finished","position","size_bytes","lag_bytes","balanced","received","stored","merged",\#
        "blank","rejected","lost","lost_bytes"]},"reject":{"type":"object",\#
        "properties":{"path":{"type":"string"},"offset":{"type":"integer","minimum":0},\#
        "reason":{"type":"string"},"time":{"$ref":"#/components/schemas/time"},\#
        "head":{"type":"string","description":"The line's first 200 bytes."}},"required":["path",\#
        "offset","reason","time","head"]},"quantiles_ms":{"type":"object",\#
        "description":"Milliseconds; null before the first.",\#
        "properties":{"p50":{"type":["number","null"]},"p90":{"type":["number","null"]},\#
        "p99":{"type":["number","null"]},"max":{"type":["number","null"]}},"required":["p50",\#
        "p90","p99","max"]},"agent":{"type":"object","properties":{"pid":{"type":"integer",\#
        "minimum":0},"uid":{"type":"integer","minimum":0},\#
        "connected_since":{"$ref":"#/components/schemas/time"},\#
        "last_batch":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]}},\#
        "required":["pid","uid","connected_since","last_batch"]},"topic":{"enum":["events",\#
        "metrics","insights","alerts","actions","stats"]},"metric_change":{"type":"object",\#
        "description":"What one batch added to one series.",\#
        "properties":{"metric":{"type":["string","null"]},\#
        "type":{"$ref":"#/components/schemas/metric_type"},\#
        "tags":{"$ref":"#/components/schemas/tags"},"time":{"$ref":"#/components/schemas/time",\#
        "description":"Start of the 10 s that the samples fell into."},"count":{"type":"number"},\#
        "sum":{"type":["number","null"]},"min":{"type":["number","null"]},"max":{"type":["number",\#
        "null"]},"last":{"type":["number","null"]},"relative":{"type":"boolean",\#
        "description":"The values are changes of a gauge."}},"required":["metric","type","tags",\#
        "time","count","sum","min","max","last","relative"]},"notification":{"type":"object",\#
        "properties":{"subscription":{"type":"integer","minimum":1},"seq":{"type":"integer",\#
        "minimum":0,"description":"Counts the notifications of this subscription,\#
         those missed among them."},"topic":{"$ref":"#/components/schemas/topic"},\#
        "missed":{"type":"integer","description":"How many were dropped before this one,\#
         because the reader was slow.","minimum":1},\#
        "data":{"description":"An event; a metric_change; the result of stats; …"}},\#
        "required":["subscription","seq","topic","data"]},"notify":{"type":"object",\#
        "description":"One line of a subscription's stream.",\#
        "properties":{"jsonrpc":{"const":"2.0"},"method":{"const":"notify"},\#
        "params":{"$ref":"#/components/schemas/notification"}},"required":["jsonrpc","method",\#
        "params"]},"error":{"type":"object","properties":{"code":{"enum":[-32700,-32600,-32601,\#
        -32602,-32603,-32000,-32001,-32002,-32003,-32004,-32005,-32006]},\#
        "message":{"type":"string"},"data":{"type":"object",\#
        "properties":{"reason":{"type":"string","description":"A word for programs."},\#
        "path":{"type":"string","description":"Which member of the request is meant."},\#
        "hint":{"type":"string","description":"For a person."}},"required":["reason"],\#
        "additionalProperties":true}},"required":["code","message","data"]},\#
        "removed":{"type":"object","description":"What retention took away.",\#
        "properties":{"payload_blocks":{"type":"integer","minimum":0,\#
        "description":"Blocks of about 64 KiB of tools' inputs and outputs."},\#
        "events":{"type":"integer","minimum":0},"sessions":{"type":"integer","minimum":0},\#
        "event_rollups":{"type":"integer","minimum":0},"rollups_merged":{"type":"integer",\#
        "minimum":0,"description":"Rollups of metrics that went over into a wider span."},\#
        "rollups":{"type":"integer","minimum":0,"description":"Rollups that were dropped."},\#
        "series":{"type":"integer","minimum":0},"sources":{"type":"integer","minimum":0},\#
        "usage_calls":{"type":"integer","minimum":0},"usage_rows":{"type":"integer","minimum":0},\#
        "tasks":{"type":"integer","minimum":0},"documents":{"type":"integer","minimum":0},\#
        "bytes_freed":{"type":"integer","minimum":0,\#
        "description":"Given back to the file system."}},"required":["payload_blocks","events",\#
        "sessions","event_rollups","rollups_merged","rollups","series","sources","usage_calls",\#
        "usage_rows","tasks","documents","bytes_freed"]},"tokens":{"type":"object",\#
        "description":"Five buckets that have nothing in common; input is what was neither written\#
         to a cache nor read from one.","properties":{"input":{"type":"integer","minimum":0},\#
        "cache_write_5m":{"type":"integer","minimum":0},"cache_write_1h":{"type":"integer",\#
        "minimum":0},"cache_read":{"type":"integer","minimum":0},"output":{"type":"integer",\#
        "minimum":0}},"required":["input","cache_write_5m","cache_write_1h","cache_read",\#
        "output"]},"usage_where":{"type":"object","description":"Column → test. Columns are model,\#
         user, session, project, agent (a subagent's id), branch, task, request_type,\#
         provider. All must hold.","maxProperties":64,"propertyNames":{"enum":["model","user",\#
        "session","project","agent","branch","task","request_type","provider"]},\#
        "additionalProperties":{"$ref":"#/components/schemas/test"}},\#
        "cost_group":{"type":"object","properties":{"group":{"type":"object",\#
        "description":"Each word of group_by and its value; a span of time is its start.",\#
        "additionalProperties":{"$ref":"#/components/schemas/scalar"}},"date":{"type":"string",\#
        "description":"The span's date in time_zone: 2026-11-20T14:00, 2026-11-20, or 2026-11."},\#
        "requests":{"type":"integer","minimum":0},"tokens":{"$ref":"#/components/schemas/tokens"},\#
        "cost_usd":{"type":["number","null"],\#
        "description":"Null where no call has a known price: that is not 0."},\#
        "unpriced_requests":{"type":"integer","minimum":0,\#
        "description":"Calls whose model has no known price; prices.list names them."},\#
        "stated_usd":{"type":["number","null"],\#
        "description":"What the records themselves said; null where none did."},\#
        "cache_hit_percent":{"type":["number","null"],"description":"Of all input,\#
         how much came out of a cache."},"models":{"type":"array","items":{"type":"string"}},\#
        "first":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]},\#
        "last":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]}},\#
        "required":["group","requests","tokens","cost_usd","unpriced_requests","stated_usd",\#
        "cache_hit_percent","models","first","last"]},"cost_block":{"type":"object",\#
        "properties":{"start":{"$ref":"#/components/schemas/time"},\#
        "end":{"$ref":"#/components/schemas/time"},"active":{"type":"boolean"},\#
        "gap":{"type":"boolean"},"requests":{"type":"integer","minimum":0},\#
        "tokens":{"$ref":"#/components/schemas/tokens"},"cost_usd":{"type":["number","null"],\#
        "description":"Null where no call has a known price: that is not 0."},\#
        "unpriced_requests":{"type":"integer","minimum":0,\#
        "description":"Calls whose model has no known price; prices.list names them."},\#
        "stated_usd":{"type":["number","null"],\#
        "description":"What the records themselves said; null where none did."},\#
        "cache_hit_percent":{"type":["number","null"],"description":"Of all input,\#
         how much came out of a cache."},"models":{"type":"array","items":{"type":"string"}},\#
        "first":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]},\#
        "last":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}]},\#
        "total_tokens":{"type":"integer","minimum":0},"burn_rate":{"oneOf":[{"type":"object",\#
        "properties":{"tokens_per_minute":{"type":"number"},\#
        "fresh_tokens_per_minute":{"type":"number",\#
        "description":"Of fresh input and output alone."},"cost_usd_per_hour":{"type":["number",\#
        "null"]}},"required":["tokens_per_minute","fresh_tokens_per_minute","cost_usd_per_hour"]},\#
        {"type":"null"}]},"projection":{"oneOf":[{"type":"object",\#
        "properties":{"total_tokens":{"type":"integer","minimum":0},"cost_usd":{"type":["number",\#
        "null"]},"remaining_minutes":{"type":"integer","minimum":0}},"required":["total_tokens",\#
        "cost_usd","remaining_minutes"]},{"type":"null"}],\#
        "description":"What an active block comes to if it goes on so."},\#
        "token_limit":{"type":"object","properties":{"limit":{"type":"integer","minimum":0},\#
        "projected":{"type":"integer","minimum":0},"used_percent":{"type":"number"},\#
        "status":{"enum":["ok","warning","exceeds"]}},"required":["limit","projected",\#
        "used_percent","status"]}},"required":["start","end","active","gap","requests","tokens",\#
        "cost_usd","unpriced_requests","stated_usd","cache_hit_percent","models","first","last",\#
        "total_tokens","burn_rate","projection"]},"spend_scope":{"description":"Whose spending.",\#
        "oneOf":[{"const":"all"},{"type":"object","properties":{"user":{"type":"string",\#
        "minLength":1,"maxLength":4096}},"required":["user"],"additionalProperties":false},\#
        {"type":"object","properties":{"project":{"type":"string","minLength":1,\#
        "maxLength":4096}},"required":["project"],"additionalProperties":false},{"type":"object",\#
        "properties":{"session":{"type":"string","minLength":1,"maxLength":4096}},\#
        "required":["session"],"additionalProperties":false}]},"spend_limit":{"type":"object",\#
        "properties":{"scope":{"$ref":"#/components/schemas/spend_scope"},"period":{"enum":["day",\#
        "week","month","session"]},"limit_usd":{"type":"number"},"spent_usd":{"type":"number"},\#
        "used_percent":{"type":"number"},"warning":{"type":"boolean",\#
        "description":"80 % or more is used."},\#
        "resets":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}],\#
        "description":"When the next period begins; null for limits of a session."},\#
        "time_zone":{"type":"string"}},"required":["scope","period","limit_usd","spent_usd",\#
        "used_percent","warning","resets"]},"spend_alert":{"type":"object",\#
        "properties":{"alert":{"enum":["limit_warning","limit_passed"]},\#
        "session":{"type":"string"},"scope":{"$ref":"#/components/schemas/spend_scope"},\#
        "period":{"enum":["day","week","month","session"]},"limit_usd":{"type":"number"},\#
        "spent_usd":{"type":"number"},"used_percent":{"type":"number"},\#
        "warning":{"type":"boolean","description":"80 % or more is used."},\#
        "resets":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}],\#
        "description":"When the next period begins; null for limits of a session."},\#
        "time_zone":{"type":"string"}},"description":"What subscribers of alerts get,\#
         once an hour for each limit that is used to 80 %.","required":["alert","scope","period",\#
        "limit_usd","spent_usd","used_percent","warning","resets"]},"price":{"type":"object",\#
        "properties":{"model":{"type":"string"},\#
        "valid_from":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}],\#
        "description":"Null: since ever."},"input":{"type":"number","minimum":0,\#
        "maximum":1000000000.0},"output":{"type":"number","minimum":0,"maximum":1000000000.0},\#
        "cache_write_5m":{"type":"number","minimum":0,"maximum":1000000000.0},\#
        "cache_write_1h":{"type":"number","minimum":0,"maximum":1000000000.0},\#
        "cache_read":{"type":"number","minimum":0,"maximum":1000000000.0},\#
        "above":{"type":"object","properties":{"tokens":{"type":"integer","minimum":0},\#
        "input":{"type":"number","minimum":0,"maximum":1000000000.0},"output":{"type":"number",\#
        "minimum":0,"maximum":1000000000.0},"cache_write_5m":{"type":"number","minimum":0,\#
        "maximum":1000000000.0},"cache_write_1h":{"type":"number","minimum":0,\#
        "maximum":1000000000.0},"cache_read":{"type":"number","minimum":0,\#
        "maximum":1000000000.0}},\#
        "description":"Rates of those tokens of a bucket that are beyond a threshold.",\#
        "required":["tokens","input","output","cache_write_5m","cache_write_1h","cache_read"]},\#
        "fast_multiplier":{"type":"number"},"batch_multiplier":{"type":"number"},\#
        "source":{"enum":["built_in","file","set"],\#
        "description":"Who says so; the later word is believed."},"note":{"type":"string",\#
        "description":"Where the figures are from, and of when."},"version":{"type":"integer",\#
        "minimum":1,"description":"By which calls remember what they were computed with."}},\#
        "description":"USD per million tokens.","required":["model","valid_from","input","output",\#
        "cache_write_5m","cache_write_1h","cache_read","fast_multiplier","batch_multiplier",\#
        "source","note","version"]},"error_category":{"enum":["permission","not_found","timeout",\#
        "syntax","network","git","validation","resource","command_not_found","unknown"],\#
        "description":"What kind of thing went wrong, by the rules of docs/database.md."},\#
        "event_order":{"enum":["asc","desc","slowest"],\#
        "description":"By time: oldest first or newest first; or by duration, the longest first,\#
         without events that have none."},"distribution":{"type":"object",\#
        "description":"Quantiles are within 1 %.","properties":{"min":{"type":"number"},\#
        "avg":{"type":"number"},"p50":{"type":"number"},"p90":{"type":"number"},\#
        "p99":{"type":"number"},"max":{"type":"number"}},"required":["min","avg","p50","p90",\#
        "p99","max"]},"file":{"type":"object","properties":{"path":{"type":"string"},\#
        "reads":{"type":"integer","minimum":0},"writes":{"type":"integer","minimum":0},\#
        "edits":{"type":"integer","minimum":0},"first_seen":{"$ref":"#/components/schemas/time"},\#
        "last_seen":{"$ref":"#/components/schemas/time"},"sessions":{"type":"integer","minimum":0,\#
        "description":"How many sessions touched it."}},"required":["path","reads","writes",\#
        "edits","first_seen","last_seen","sessions"]},"subagent":{"type":"object",\#
        "description":"A subagent within the session,\#
         or a session that it started: one of agent_id and session is null.",\#
        "properties":{"agent_id":{"type":["string","null"]},"session":{"type":["string","null"]},\#
        "started":{"$ref":"#/components/schemas/time"},\#
        "last_activity":{"$ref":"#/components/schemas/time"},"event_count":{"type":"integer",\#
        "minimum":0},"tool_count":{"type":"integer","minimum":0},"errors":{"type":"integer",\#
        "minimum":0}},"required":["agent_id","session","started","last_activity","event_count",\#
        "tool_count","errors"]},"task":{"type":"object",\#
        "description":"A task as it stands. Each member is what the latest line said of it.",\#
        "properties":{"task":{"type":"string","description":"Its id."},\#
        "status":{"enum":["pending","running","completed","failed","stopped"]},\#
        "created":{"$ref":"#/components/schemas/time",\#
        "description":"The earliest time that anything says."},\#
        "updated":{"$ref":"#/components/schemas/time","description":"The latest change."},\#
        "started":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}],\#
        "description":"When it first ran; null when nobody said."},\#
        "ended":{"oneOf":[{"$ref":"#/components/schemas/time"},{"type":"null"}],\#
        "description":"When it got the status that it ended with; null while it has none."},\#
        "duration_ms":{"type":["number","null"],"minimum":0,"description":"From its start,\#
         else from its creation, to its end."},"name":{"type":["string","null"]},\#
        "description":{"type":["string","null"]},"user":{"type":["string","null"]},\#
        "session":{"type":["string","null"]},"model":{"type":["string","null"]},\#
        "workspace":{"type":["string","null"]},"agent_type":{"type":["string","null"]},\#
        "phase":{"type":["string","null"]},"phase_number":{"type":["integer","string","null"],\#
        "description":"A number, or what else was said."},"result":{"type":["string","null"]},\#
        "error":{"type":["string","null"]},"message":{"type":["string","null"],\#
        "description":"The last line of its activity."}},"required":["task","status","created",\#
        "updated","started","ended","duration_ms","name","description","user","session","model",\#
        "workspace","agent_type","phase","phase_number","result","error","message"]},\#
        "task_counts":{"type":"object","properties":{"total":{"type":"integer","minimum":0},\#
        "pending":{"type":"integer","minimum":0},"running":{"type":"integer","minimum":0},\#
        "completed":{"type":"integer","minimum":0},"failed":{"type":"integer","minimum":0},\#
        "stopped":{"type":"integer","minimum":0}},"required":["total","pending","running",\#
        "completed","failed","stopped"]},"task_activity":{"type":"object",\#
        "properties":{"seq":{"type":"integer","minimum":0,"description":"The event's."},\#
        "time":{"$ref":"#/components/schemas/time"},"task":{"type":["string","null"]},\#
        "kind":{"enum":["task","agent_status"]},"name":{"type":["string","null"]},\#
        "status":{"type":["string","null"],"description":"As the line said it."},\#
        "message":{"type":["string","null"]},"agent":{"type":["string","null"]},\#
        "session":{"type":["string","null"]},"error":{"type":["string","null"]}},\#
        "required":["seq","time","task","kind","name","status","message","agent","session",\#
        "error"]},"document":{"type":"object","properties":{"id":{"type":"string"},\#
        "kind":{"type":["string","null"]},"title":{"type":["string","null"]},\#
        "task":{"type":["string","null"]},"session":{"type":["string","null"]},\#
        "created":{"$ref":"#/components/schemas/time"},\#
        "updated":{"$ref":"#/components/schemas/time"},"version":{"type":"integer","minimum":1,\#
        "description":"Counts up with each change."},"size_bytes":{"type":"integer","minimum":0,\#
        "description":"Of the body as JSON text."}},"required":["id","kind","title","task",\#
        "session","created","updated","version","size_bytes"]},"document_id":{"type":"string",\#
        "minLength":1,"maxLength":1024}},"errors":{"parse_error":{"code":-32700,\#
        "message":"Parse error","data":"the line is not JSON"},"invalid_request":{"code":-32600,\#
        "message":"Invalid request","data":"the envelope is wrong"},\#
        "method_not_found":{"code":-32601,"message":"Method not found","data":"no such method"},\#
        "invalid_params":{"code":-32602,"message":"Invalid params",\#
        "data":"a parameter is wrong; data.path names it"},"internal_error":{"code":-32603,\#
        "message":"Internal error","data":"a fault of the daemon"},"overloaded":{"code":-32000,\#
        "message":"Overloaded","data":"too many connections or requests; try again later"},\#
        "not_found":{"code":-32001,"message":"Not found",\#
        "data":"what was asked for does not exist"},"denied":{"code":-32002,"message":"Denied",\#
        "data":"the caller may not do this"},"limit_exceeded":{"code":-32003,\#
        "message":"Limit exceeded","data":"more than a bound allows; data.hint says which"},\#
        "timeout":{"code":-32004,"message":"Timeout","data":"the query took longer than 5 s"},\#
        "unavailable":{"code":-32005,"message":"Unavailable","data":"the database cannot answer"},\#
        "too_large":{"code":-32006,"message":"Too large",\#
        "data":"the request or the reply is too large"}}}}
        """#
}
