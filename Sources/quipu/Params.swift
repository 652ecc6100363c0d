import ArgumentParser
import QuipuProtocol

/// The params of a request, made from options: those not given are left out, so that the daemon's
/// defaults hold.
struct Params {
    private var members: [JSON.Member] = []

    var json: JSON { .object(members) }

    mutating func set(_ name: String, _ value: JSON?) {
        if let value { members.append(JSON.Member(name, value)) }
    }

    mutating func set(_ name: String, _ text: String?) { set(name, text.map(JSON.string)) }

    /// One value alone, several as a list.
    mutating func set(_ name: String, _ texts: [String]) { set(name, texts.map(JSON.string)) }

    mutating func set(_ name: String, _ values: [JSON]) {
        switch values.count {
        case 0: break
        case 1: set(name, values[0])
        default: set(name, .array(values))
        }
    }

    /// A time as it was typed: digits are Unix seconds, all else is the daemon's to read.
    mutating func setTime(_ name: String, _ text: String?) {
        guard let text else { return }
        set(name, Int64(text).map(JSON.int) ?? FiniteNumber(argument: text)?.json ?? .string(text))
    }
}

/// What an option for a number takes. Not `nan` and nothing infinite: JSON has neither, and the
/// null that they become asks for something else, such as no limit.
struct FiniteNumber: ExpressibleByArgument {
    let json: JSON

    init?(argument: String) {
        guard let value = Double(argument), value.isFinite else { return nil }
        json = .number(value)
    }
}
