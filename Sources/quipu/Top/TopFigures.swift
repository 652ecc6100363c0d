import QuipuModel
import QuipuProtocol

/// Rates and lag: how much comes in, and what has not come in yet.
struct TopFigures {
    var state: TopState
    var now: Timestamp

    private static let titleColumns = 9
    private static let figureColumns = 10

    private typealias Rate = (title: String, value: KeyPath<TopRates, Double>, isBytes: Bool)

    private static func rates() -> [Rate] {
        [
            ("events", \.events, false), ("metrics", \.metrics, false),
            ("batches", \.batches, false), ("lines", \.lines, false), ("bytes", \.bytes, true),
        ]
    }

    private struct Fact {
        var title: String
        var words: String
        var color: Style.Color?
    }

    /// A line for each figure: rates at the left, lag at the right.
    func beside(_ columns: Int, _ style: Style) -> [String] {
        let half = columns / 2
        var title = ScreenLine(width: columns, style: style)
        title.add("rates", .bold)
        title.pad(to: half)
        title.add("lag", .bold)
        return [title.text]
            + zip(TopFigures.rates(), facts).map { rate, fact in
                var line = ScreenLine(width: half - 2, style: style)
                line.add(rate.title)
                let figure = Self.text(state.rates, rate)
                line.pad(to: Self.titleColumns + Self.figureColumns - Visible.columns(figure))
                line.add(figure, .bold)
                let history = state.history.map { $0?[keyPath: rate.value] }
                let room = half - 2 - line.columns - 2
                line.add("  " + Sparkline.text(history, width: room), .cyan)
                line.pad(to: half - 2)
                var lag = ScreenLine(width: columns - half, style: style)
                lag.add(fact.title)
                lag.pad(to: Self.titleColumns)
                lag.add(fact.words, fact.color)
                return line.text + "  " + lag.text
            }
    }

    /// Two lines, and what does not fit is left out.
    func brief(_ columns: Int, _ style: Style) -> [String] {
        var rates = ScreenLine(width: columns, style: style)
        for rate in TopFigures.rates() {
            let figure = Self.text(state.rates, rate)
            guard rates.columns + rate.title.count + figure.count + 3 <= columns else { break }
            rates.add(rates.columns == 0 ? rate.title : "  " + rate.title)
            rates.add(" " + figure, .bold)
        }
        var lag = ScreenLine(width: columns, style: style)
        lag.add("behind \(Units.bytes(filesBehind.bytes))", filesBehind.count > 0 ? .yellow : nil)
        lag.addWhole("  spool \(Units.bytes(spoolBytes))", spoolBytes > 0 ? .yellow : nil)
        lag.addWhole("  queue \(Units.bytes(queueBytes))")
        lag.addWhole("  commit \(lastCommit)")
        return [rates.text, lag.text]
    }

    private static func text(_ rates: TopRates?, _ rate: Rate) -> String {
        guard let value = rates?[keyPath: rate.value] else { return Units.absent }
        return rate.isBytes ? Units.bytes(value) + "/s" : Units.number(value) + "/s"
    }

    // MARK: Lag

    private var facts: [Fact] {
        let (stats, ingest) = (state.sample[.stats], state.sample[.stats]["ingest"])
        let batches = ingest?["queue_batches"]?.int ?? 0
        let commit = stats["commits"]
        let p99 = EventRows.duration(commit?["latency_ms"]?["p99"])
        let failed = commit?["failed"]?.int ?? 0
        let agents = state.sample[.health]["agents"]?.array ?? []
        let last = agents.compactMap { $0["last_batch"]?.string }.max()
        let behind = filesBehind
        return [
            Fact(
                title: "queue",
                words: "\(Units.bytes(queueBytes)) in \(Self.count(batches, "batch", "batches"))"),
            Fact(
                title: "commit",
                words: "\(lastCommit), p99 \(p99)"
                    + (failed > 0 ? ", \(Units.grouped(failed)) failed" : ""),
                color: failed > 0 ? .red : nil),
            Fact(
                title: "agents",
                words: "\(agents.count)"
                    + (last.map { ", last batch \(Units.ago($0, now: now))" } ?? ""),
                color: agents.isEmpty ? .red : nil),
            Fact(
                title: "spool", words: "\(Units.bytes(spoolBytes)) to go",
                color: spoolBytes > 0 ? .yellow : nil),
            Fact(title: "behind", words: words(behind), color: behind.count > 0 ? .yellow : nil),
        ]
    }

    private func words(_ behind: Behind) -> String {
        guard let most = behind.most else { return "nothing" }
        let name = most.split(separator: "/").last.map(String.init) ?? most
        let bytes = Units.bytes(behind.bytes)
        return behind.count == 1
            ? "\(bytes) in \(name)" : "\(bytes) in \(behind.count) logs, most in \(name)"
    }

    private static func count(_ count: Int64, _ one: String, _ many: String) -> String {
        count == 1 ? "1 \(one)" : "\(Units.grouped(count)) \(many)"
    }

    private var queueBytes: Double {
        state.sample[.stats]["ingest"]?["queue_bytes"]?.double ?? 0
    }

    private var lastCommit: String {
        Units.ago(state.sample[.health]["last_commit"]?.string, now: now)
    }

    private struct Behind {
        var count = 0
        var bytes = 0.0
        /// The path of the one with most to go.
        var most: String?
        var mostBytes = 0.0
    }

    private var filesBehind: Behind { behind { $0["kind"] != "datagrams" } }
    private var spoolBytes: Double { behind { $0["kind"] == "datagrams" }.bytes }

    private func behind(where isMeant: (JSON) -> Bool) -> Behind {
        var behind = Behind()
        for source in state.sample[.ledger]["sources"]?.array ?? [] where isMeant(source) {
            guard let lag = source["lag_bytes"]?.double, lag > 0 else { continue }
            behind.count += 1
            behind.bytes += lag
            if lag > behind.mostBytes {
                behind.mostBytes = lag
                behind.most = source["path"]?.string
            }
        }
        return behind
    }
}
