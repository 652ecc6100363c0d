internal import CSimdJSON
internal import QuipuModel

typealias Member = quipu_json_member

/// The members of one JSON object, with their roles. Parses one line after the other into the same
/// memory; what it hands out is valid until the next one.
struct JSONDocument {
    /// What becomes of a member.
    enum Place {
        case attributes
        case payload
        /// A column of the record says all that the member says.
        case column
        /// A later member has the same name.
        case shadowed
    }

    private(set) var members = UnsafeBufferPointer<Member>(start: nil, count: 0)
    var places: [Place] = []
    private let parser = JSONParserHandle()
    private let roles = RoleTable()
    /// For each role the member that has it, or -1; and how preferred its name is.
    private var holders = [Int](repeating: -1, count: Role.allCases.count)
    private var ranks = [Int](repeating: 0, count: Role.allCases.count)

    /// Parses one object, after which `readable` more bytes may be read. Nil when all is well.
    mutating func parse(_ line: Bytes, readable: Int) -> RejectReason? {
        members = UnsafeBufferPointer(start: nil, count: 0)
        guard let base = line.baseAddress, !line.isEmpty else { return .invalidJSON }
        var found = quipu_json_members()
        let status = quipu_json_parse(
            parser.pointer, base.assumingMemoryBound(to: UInt8.self), line.count, readable, &found)
        switch status {
        case QUIPU_JSON_OK: break
        case QUIPU_JSON_INVALID_UTF8: return .invalidUTF8
        case QUIPU_JSON_TOO_DEEP: return .tooDeep
        case QUIPU_JSON_NOT_AN_OBJECT: return .notAnObject
        case QUIPU_JSON_TOO_LARGE: return .lineTooLong
        default: return .invalidJSON
        }
        members = UnsafeBufferPointer(start: found.first, count: found.count)
        places.removeAll(keepingCapacity: true)
        places.append(contentsOf: repeatElement(.attributes, count: members.count))
        for index in DuplicateNames.find(in: members) { places[index] = .shadowed }
        assignRoles()
        return nil
    }

    /// Gives back the memory of long lines.
    mutating func trim() {
        members = UnsafeBufferPointer(start: nil, count: 0)
        quipu_json_trim(parser.pointer)
    }

    private mutating func assignRoles() {
        for index in holders.indices { holders[index] = -1 }
        for (index, member) in members.enumerated() {
            guard places[index] != .shadowed, member.valueKind != QUIPU_JSON_NULL,
                let (role, rank) = roles.role(of: member)
            else { continue }
            let slot = role.rawValue
            if holders[slot] < 0 || rank < ranks[slot] {
                holders[slot] = index
                ranks[slot] = rank
            }
        }
    }

    /// The index of the member that has a role; nil when none has, or only as null.
    func index(_ role: Role) -> Int? {
        let index = holders[role.rawValue]
        return index < 0 ? nil : index
    }

    subscript(role: Role) -> Member? { index(role).map { members[$0] } }

    /// The text of the member that has a role, when it is a string that is not empty.
    func text(_ role: Role) -> Bytes? { self[role]?.nonEmptyText }

    /// The index of the member of this name.
    func index(named name: StaticString) -> Int? {
        members.indices.last { members[$0].nameBytes.equals(name) }
    }

    /// The members or elements of a member; nil when it can have none. Replaces those of the call
    /// before.
    func children(of index: Int) -> UnsafeBufferPointer<Member>? { children(of: index, level: 0) }

    /// The same of a member of the list at `level`, which is 1 for what `children(of:)` gave. Ends
    /// the lists of deeper levels.
    func children(of index: Int, level: Int) -> UnsafeBufferPointer<Member>? {
        var found = quipu_json_members()
        guard quipu_json_children(parser.pointer, level, index, &found) else { return nil }
        return UnsafeBufferPointer(start: found.first, count: found.count)
    }

    /// The member's value as it stands in the line.
    func valueText(_ member: Member) -> Bytes {
        source(Int(member.value_start), Int(member.value_end))
    }

    /// Name, colon and value as they stand in the line.
    func memberText(_ member: Member) -> Bytes {
        source(Int(member.name_start), Int(member.value_end))
    }

    private func source(_ lower: Int, _ upper: Int) -> Bytes {
        Bytes(start: quipu_json_source(parser.pointer) + lower, count: upper - lower)
    }
}

/// Owns a parser.
private final class JSONParserHandle {
    /// Nil when there was no memory; the parser then finds every line too large.
    let pointer = quipu_json_make(Limits.lineNestingMax)

    deinit { quipu_json_free(pointer) }
}

extension quipu_json_member {
    var valueKind: quipu_json_kind { quipu_json_kind(UInt32(kind)) }
    var nameBytes: Bytes { Bytes(start: name, count: Int(name_count)) }
    /// The text of a string without its escapes; nil for everything else.
    var stringText: Bytes? {
        valueKind == QUIPU_JSON_STRING ? Bytes(start: text, count: Int(text_count)) : nil
    }
    var nonEmptyText: Bytes? {
        guard let text = stringText, !text.isEmpty else { return nil }
        return text
    }
    var numberValue: Double? { valueKind == QUIPU_JSON_NUMBER ? number : nil }
    var boolValue: Bool? {
        switch valueKind {
        case QUIPU_JSON_TRUE: true
        case QUIPU_JSON_FALSE: false
        default: nil
        }
    }
    var isObject: Bool { valueKind == QUIPU_JSON_OBJECT }
    var isArray: Bool { valueKind == QUIPU_JSON_ARRAY }
}

/// Finds members whose name comes again later.
enum DuplicateNames {
    /// Objects of more members use a hash table.
    private static let pairwiseMax = 24

    static func find(in members: UnsafeBufferPointer<Member>) -> [Int] {
        members.count <= pairwiseMax ? findPairwise(members) : findHashed(members)
    }

    private static func findPairwise(_ members: UnsafeBufferPointer<Member>) -> [Int] {
        var found: [Int] = []
        for earlier in members.indices {
            for later in (earlier + 1)..<members.count
            where members[earlier].hasName(of: members[later]) {
                found.append(earlier)
                break
            }
        }
        return found
    }

    private static func findHashed(_ members: UnsafeBufferPointer<Member>) -> [Int] {
        var found: [Int] = []
        var last: [UInt64: Int] = [:]
        for index in members.indices.reversed() {
            let hash = members[index].name_hash
            if let later = last[hash] {
                if members[index].hasName(of: members[later]) { found.append(index) }
            } else {
                last[hash] = index
            }
        }
        return found
    }
}

extension quipu_json_member {
    func hasName(of other: Member) -> Bool {
        name_hash == other.name_hash && nameBytes.equals(other.nameBytes)
    }
}
