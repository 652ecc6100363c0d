import QuipuProtocol
import TestSupport

/// What all generators share.
final class World {
    struct Options {
        var days = 30
        var projects = 5
        var seed: UInt64 = 1
        var directory = "sim"
        var zone = "Europe/Berlin"
        /// The first midnight, UTC.
        var start: Moment = 0
    }

    let options: Options
    var random: SeededGenerator
    var truth: Truth
    var files = Files()

    init(_ options: Options, zone: Zone) {
        self.options = options
        random = SeededGenerator(seed: options.seed)
        truth = Truth(zone: zone)
    }

    func int(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }

    func chance(_ percent: Int) -> Bool { random.chance(percent) }

    func pick<Element>(_ elements: [Element]) -> Element { random.pick(elements) }

    private func hexadecimal(_ digits: Int) -> String {
        String((0..<digits).map { _ in random.pick(Array("0123456789abcdef")) })
    }

    func uuid() -> String {
        [8, 4, 4, 4, 12].map(hexadecimal).joined(separator: "-")
    }

    func id(_ prefix: String) -> String { prefix + "01" + hexadecimal(22) }

    func shortID() -> String { hexadecimal(8) }

    /// Text of about so many bytes, with what makes readers stumble: quotes, line ends, characters
    /// outside of ASCII.
    func text(_ bytes: Int64) -> String {
        let words = [
            "let", "value", "=", "try", "await", "store.read()", "// naïve", "\"quoted\"", "\n",
            "if", "error", "{", "}", "→", "func", "commit", "0x1f", "\\d+", "日本", "ok",
        ]
        var text = ""
        while text.utf8.count < bytes { text += pick(words) + " " }
        return text
    }
}

/// A folder that somebody works in.
struct Project {
    /// What its agents write.
    enum Style: CaseIterable {
        /// Transcripts, and one hook log with a time in each line.
        case mixedHooks
        /// Transcripts, and a hook log for each event.
        case hooksByEvent
        /// Transcripts, and JSON arrays that are rewritten with every event and tell no time.
        case hookArrays
        /// Only hook logs, as an agent's dashboard wrote them: no ids, nothing but lines.
        case dashboard
        /// Codex rollouts, and a log of costs.
        case codex
    }

    let name: String
    let directory: String
    let style: Style

    init(_ index: Int) {
        let names = ["orders", "web.shop", "lib_core", "ops-scripts", "ml pipeline"]
        let round = index / names.count
        name = names[index % names.count] + (round == 0 ? "" : "-\(round)")
        directory = "/home/ana/\(name)"
        style = Style.allCases[index % Style.allCases.count]
    }

    /// The folder of its transcripts: everything that is no letter or digit becomes a hyphen.
    var slug: String {
        String(directory.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }
}
