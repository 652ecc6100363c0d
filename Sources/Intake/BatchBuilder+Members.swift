internal import CSimdJSON
internal import QuipuModel

extension BatchBuilder {
    /// Writes the members that no column holds as two JSON objects: the small ones, and the large
    /// ones. The members of member `merged` stand there as if they were the line's own.
    mutating func appendMembers(
        of document: inout JSONDocument, merging merged: Int?
    ) -> (attributes: Slice, payload: Slice) {
        var inner = MemberList(document: document)
        if let merged, let children = document.children(of: merged) {
            inner.members = children
            inner.places = document.placesOfMerged(children)
            document.places[merged] = .column
        }
        var outer = MemberList(document: document)
        outer.members = document.members
        outer.places = document.places
        inner.moveLargeToPayload()
        outer.moveLargeToPayload()

        var object = ObjectWriter(start: batch.bytes.count, bytesMax: Limits.attributesBytesMax)
        write(&inner, .attributes, &object)
        write(&outer, .attributes, &object)
        let attributes = close(object)
        // Payloads have an arena of their own; writing goes to the one that stands in `bytes`.
        swap(&batch.bytes, &batch.payloads)
        defer { swap(&batch.bytes, &batch.payloads) }
        object = ObjectWriter(start: batch.bytes.count, bytesMax: .max)
        write(&inner, .payload, &object)
        write(&outer, .payload, &object)
        return (attributes, close(object))
    }

    /// Where an object that is being written begins, and how long it may become.
    private struct ObjectWriter {
        let start: Int
        let bytesMax: Int
        var isEmpty = true
    }

    private mutating func write(
        _ list: inout MemberList, _ place: JSONDocument.Place, _ object: inout ObjectWriter
    ) {
        for index in list.members.indices where list.places[index] == place {
            let member = list.document.memberText(list.members[index])
            let bytes = batch.bytes.count - object.start + member.count + 2
            guard bytes <= object.bytesMax else {
                list.places[index] = .payload
                continue
            }
            write(object.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
            write(member)
            object.isEmpty = false
        }
    }

    private mutating func close(_ object: ObjectWriter) -> Slice {
        guard !object.isEmpty else { return .none }
        write(UInt8(ascii: "}"))
        return Slice(offset: object.start, count: batch.bytes.count - object.start)
    }
}

/// Members of one object and where each of them goes.
private struct MemberList {
    let document: JSONDocument
    var members = UnsafeBufferPointer<Member>(start: nil, count: 0)
    var places: [JSONDocument.Place] = []

    init(document: JSONDocument) { self.document = document }

    mutating func moveLargeToPayload() {
        for (index, member) in members.enumerated() where places[index] == .attributes {
            let bytes = member.value_end - member.name_start
            if bytes > Limits.attributeBytesMax { places[index] = .payload }
        }
    }
}

extension JSONDocument {
    /// Members of the object that is merged yield to the line's own of the same name.
    fileprivate func placesOfMerged(_ children: UnsafeBufferPointer<Member>) -> [Place] {
        var found = [Place](repeating: .attributes, count: children.count)
        for index in DuplicateNames.find(in: children) { found[index] = .shadowed }
        var own: [UInt64: Int] = [:]
        for (index, member) in members.enumerated()
        where places[index] == .attributes || places[index] == .payload {
            own[member.name_hash] = index
        }
        for (index, child) in children.enumerated() {
            if let same = own[child.name_hash], members[same].hasName(of: child) {
                found[index] = .shadowed
            }
        }
        return found
    }
}
