import ArgumentParser
import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Send a metric or an event to the agent.",
        discussion: """
            quipu send deploys:1|c
            quipu send '{"metric":"queue.depth","type":"gauge","value":3}'
            quipu send --event deploy --name api --status ok --duration-ms 5120 --attribute host=web1
            seq 10 | sed 's/.*/work:&|ms/' | quipu send -

            Nothing is answered: the agent counts what it could not read (quipu ledger).
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(
        help: ArgumentHelp(
            "Lines of StatsD text or JSON, each its own datagram; - reads them from standard input.",
            valueName: "line"))
    var lines: [String] = []

    @Option(help: "Send an event of this kind.")
    var event: String?

    @Option(help: "The event's name.")
    var name: String?

    @Option(help: "The event's status: ok, error, running, blocked.")
    var status: String?

    @Option(help: "The event's duration in milliseconds.")
    var durationMs: FiniteNumber?

    @Option(help: "The event's session.")
    var session: String?

    @Option(help: "The event's task.")
    var task: String?

    @Option(help: "The event's error text.")
    var error: String?

    @Option(
        name: .customLong("attribute"),
        help: ArgumentHelp("An attribute of the event; may be repeated.", valueName: "name=value"))
    var attributes: [Attribute] = []

    func validate() throws {
        let hasDetail =
            name != nil || status != nil || durationMs != nil || session != nil || task != nil
            || error != nil || !attributes.isEmpty
        if event == nil, hasDetail { throw ValidationError("these options need --event KIND") }
        if event == nil, lines.isEmpty { throw ValidationError("nothing to send") }
        if event != nil, !lines.isEmpty { throw ValidationError("either --event or lines") }
        let isOfTask = event == "task" || event == "agent_status"
        if let status, !isOfTask, EventStatus(word: status) == nil {
            throw ValidationError("--status is ok, error, running or blocked")
        }
        for line in lines where line != "-" {
            if let wrong = Datagram.problem(Array(line.utf8)) { throw ValidationError(wrong) }
        }
    }

    func run() throws {
        try reportingFailure {
            let sender = try DatagramSender(path: global.places.metricsSocket)
            if let event { try sender.send(eventLine(kind: event).bytes) }
            for line in lines {
                if line == "-" {
                    try sendInput(to: sender)
                } else {
                    try sender.send(Array(line.utf8))
                }
            }
        }
    }

    private func eventLine(kind: String) -> JSON {
        var params = Params()
        params.set("event", kind)
        params.set("name", name)
        params.set("status", status)
        params.set("duration_ms", durationMs?.json)
        params.set("session", session)
        params.set("task", task)
        params.set("error", error)
        if !attributes.isEmpty {
            params.set("attributes", .object(attributes.map(\.member)))
        }
        return params.json
    }

    /// A line that is wrong is told and left out; the others are sent.
    private func sendInput(to sender: borrowing DatagramSender) throws {
        var reader = LineReader(
            owning: OwnedDescriptor(owning: 0), lineBytesMax: Limits.datagramBytesMax)
        var number = 0
        var isAnyWrong = false
        while let line = try reader.next() {
            number += 1
            if line.isEmpty { continue }
            if let wrong = Datagram.problem(line) {
                Diagnostics.write("quipu: line \(number): \(wrong)")
                isAnyWrong = true
            } else {
                try sender.send(line)
            }
        }
        if isAnyWrong { throw ExitStatus.failed }
    }
}

/// What can be told of a datagram before it is sent. The agent reads it, and has the last word.
enum Datagram {
    static func problem(_ bytes: [UInt8]) -> String? {
        if bytes.isEmpty { return "nothing to send" }
        if bytes.count > Limits.datagramBytesMax {
            return "longer than \(Limits.datagramBytesMax) bytes"
        }
        // One datagram may have several lines.
        return bytes.split(separator: UInt8(ascii: "\n")).lazy.compactMap(problem(ofLine:)).first
    }

    private static func problem(ofLine line: ArraySlice<UInt8>) -> String? {
        guard line.first == UInt8(ascii: "{") else {
            // A service check (`_sc|name|status`) needs no colon; an event (`_e{…}:`) has one.
            return line.contains(UInt8(ascii: ":")) || line.starts(with: "_sc|".utf8)
                ? nil : "neither StatsD text (name:value|type, _e{…}:, _sc|…) nor a JSON object"
        }
        do throws(JSONError) {
            _ = try JSON.parse(line, nestingMax: Limits.lineNestingMax)
            return nil
        } catch {
            return "not JSON: \(error.message)"
        }
    }
}

/// `name=value`; values that are JSON numbers, true, false or null are sent as such.
struct Attribute: ExpressibleByArgument {
    var member: JSON.Member

    init?(argument: String) {
        guard let separator = argument.firstIndex(of: "="), separator > argument.startIndex else {
            return nil
        }
        let text = String(argument[argument.index(after: separator)...])
        member = JSON.Member(String(argument[..<separator]), JSON.typed(text))
    }
}

extension JSON {
    /// Numbers, true, false, null and quoted text as such, all else as the text it is.
    static func typed(_ text: String) -> JSON {
        switch try? JSON.parse(text.utf8) {
        case .some(.array), .some(.object), .none: .string(text)
        case .some(let value): value
        }
    }
}
